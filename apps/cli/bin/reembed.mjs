#!/usr/bin/env node
// Reembed runs its TypeScript as it is, which takes Node 24. Started by an older one, this runs itself again with the
// Node 24 that is installed beside it.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";

const main = new URL("../src/main.ts", import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= 24) {
  await import(main.href);
} else {
  const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node");
  const child = spawn(node, [main.pathname, ...process.argv.slice(2)], { stdio: "inherit" });
  // The child decides what a signal means; this process only passes it on and waits.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
