import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const lifecycle = fileURLToPath(new URL("./lifecycle.ts", import.meta.url));

test("the first signal starts the end, whether it is repeated by a parent or not, and a later one ends the process at once", async () => {
  const script = `
    import { untilSignal } from ${JSON.stringify(lifecycle)};
    const stopped = untilSignal("SIGTERM");
    setInterval(() => {}, 1_000);
    console.log("ready");
    console.log("got " + (await stopped));
    await new Promise(() => {});`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = child.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  expect((await lines.next()).value).toContain("ready");
  child.kill("SIGTERM");
  child.kill("SIGTERM");
  expect((await lines.next()).value).toContain("got SIGTERM");
  const insisting = setInterval(() => child.kill("SIGTERM"), 100);
  expect(await once(child, "exit")).toEqual([130, null]);
  clearInterval(insisting);
});
