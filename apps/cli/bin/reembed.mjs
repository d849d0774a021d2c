#!/usr/bin/env node
// Reembed runs its TypeScript as it is, which takes Node 24. Started by an older one, this runs itself again with the
// Node 24 that is installed beside it.
import { spawn } from "node:child_process";
import module, { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const parent = process.ppid;
const main = new URL("../src/main.ts", import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= 24) {
  // A command takes a fifth less CPU to start when its code was compiled before.
  module.enableCompileCache();
  endWithParent(() => process.kill(process.pid, "SIGTERM"));
  await import(main.href);
} else runAgain();

function runAgain() {
  const node = packagedNode();
  if (node === undefined) return refuse();
  // In a group of its own: a Ctrl-C, which the terminal sends to the whole group, would reach the child twice, and a
  // second one means "at once". With a channel: a command that runs on ends when this process is gone.
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
  });
  child.on("error", refuse);
  // The child decides what a signal means; this process only passes it on and waits.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  endWithParent(() => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/**
 * npm starts a command in a shell, and passes a SIGTERM to that: dash dies of it without a word to its child, in `npx` and
 * in `npm run`. So below npm the end of this process's parent is a SIGTERM. Without npm a process may well outlive the
 * shell that it was started from.
 */
function endWithParent(end) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    end();
  }, 250);
  // It watches over a process that runs, and is no reason to run.
  poll.unref();
}

function packagedNode() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node");
  } catch {
    return undefined;
  }
}

function refuse() {
  process.stderr.write(
    `error: Reembed needs Node 24; this is ${process.version}, and no other is installed with it.\n`,
  );
  process.stderr.write("  Install Node 24 or newer, or run `npm ci` with development dependencies.\n");
  process.exitCode = 2;
}
