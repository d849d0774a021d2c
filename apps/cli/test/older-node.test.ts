import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describeOnEachServer, folderOf } from "@reembed/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { addressesOf, reembed, runReembed, standIns } from "./run-reembed.ts";

const older = findOlderNode();
const skipped = older === undefined ? ": skipped, there is no older Node on the PATH" : ` ${older.version}`;
const node = older?.path ?? "";

describe.skipIf(older === undefined)(`started by Node${skipped}`, () => {
  test("reembed continues with the Node that is installed with it, and passes on output and exit code", async () => {
    expect(await runReembed(["model", "list", "--json"], { node })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\{.*\}\n$/s),
      stderr: "",
    });
    expect(await runReembed(["model", "check", "nonsense"], { node })).toMatchObject({ code: 2 });
  });

  test("reembed restarts itself, and not only its main file, also in a folder with a space in its name", async () => {
    const folder = await folderOf({
      "a b/src/main.ts": "const version: string = process.version;\nconsole.log(version, process.argv[1]);",
    });
    const copy = await copyShim(join(folder, "a b"));
    await mkdir(join(folder, "node_modules"));
    const packaged = dirname(createRequire(import.meta.url).resolve("node/package.json"));
    await symlink(packaged, join(folder, "node_modules", "node"));
    const version = execFileSync(join(packaged, "bin", "node"), ["--version"], { encoding: "utf8" });
    expect(await start(copy)).toEqual({ code: 0, stdout: `${version.trim()} ${copy}\n`, stderr: "" });
  });

  test.each([
    ["without another Node", {}],
    ["with an older one", { "node_modules/node/package.json": JSON.stringify({ version: "22.15.0" }) }],
  ])("reembed %s installed beside it says which one it needs", async (_, files) => {
    expect(await start(await copyShim(await folderOf(files)))).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: Reembed needs Node 24; this is ${older?.version}, and no newer one is installed with it.
  Install Node 24 or newer, or run \`npm ci\` with development dependencies.\n`,
    });
  });

  describeOnEachServer(
    "a Ctrl-C",
    (open) => {
      test("reaches the command once, which then shuts down cleanly", async () => {
        const environment = { ...standIns, ...addressesOf(await open()) };
        expect(await runReembed(["init"], { environment })).toMatchObject({ code: 0 });
        const child = spawn(node, [reembed, "dashboard"], {
          env: { PATH: process.env.PATH, ...environment, DASHBOARD_PORT: "0" },
          stdio: ["ignore", "ignore", "pipe"],
          detached: true,
        });
        onTestFinished(() => void child.kill("SIGTERM"));
        const ended = once(child, "close");
        for await (const line of createInterface(child.stderr)) {
          // Sent to the whole process group, as a terminal does.
          if (line.includes("dashboard ready") && child.pid !== undefined) process.kill(-child.pid, "SIGINT");
          else expect(line).toContain("dashboard stopping");
        }
        expect(await ended).toEqual([0, null]);
      });
    },
    ["PostgreSQL"],
  );
});

/** Copies the program without the packages that are installed with it. */
async function copyShim(folder: string): Promise<string> {
  await mkdir(join(folder, "bin"), { recursive: true });
  const copy = join(folder, "bin", "reembed.mjs");
  await copyFile(reembed, copy);
  return copy;
}

async function start(program: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = spawn(node, [program], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code, stdout, stderr };
}

function findOlderNode(): { path: string; version: string } | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const paths = folders.map((folder) => join(folder, "node")).filter((path) => existsSync(path));
  const found = paths.map((path) => ({
    path,
    version: execFileSync(path, ["--version"], { encoding: "utf8" }).trim(),
  }));
  return found.find(({ version }) => Number.parseInt(version.slice(1), 10) < 24);
}
