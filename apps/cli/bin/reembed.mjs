#!/usr/bin/env node
// Node runs a clone's TypeScript directly, which needs Node 24. Started by an older Node, this program runs itself again
// with the Node 24 that is installed with it. The package is JavaScript, and needs only Node 22.15.
import { spawn } from "node:child_process";
import module, { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const parent = process.ppid;
const main = new URL("../src/main.ts", import.meta.url);
const isClone = main.pathname.endsWith(".ts");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major >= 24 || (!isClone && (major > 22 || (major === 22 && minor >= 15)))) {
  // With cached compiled code, a command takes a fifth less CPU to start.
  module.enableCompileCache();
  requireDrizzle();
  endWithParent(() => process.kill(process.pid, "SIGTERM"));
  await import(main.href);
} else if (isClone) runAgain();
else {
  process.stderr.write(`error: Reembed needs Node 22.15 or newer, and this is Node ${process.versions.node}.\n`);
  process.exitCode = 2;
}

/**
 * Loads drizzle-orm's CommonJS files instead of its ES modules, which have the same content. Its package.json lists 447 entry
 * points in 130 kB, and Node reads all of them again for each of its ES modules and for each import of it: that was half of
 * the CPU time in which a command starts.
 */
function requireDrizzle() {
  const { resolve } = createRequire(import.meta.url);
  const found = new Map();
  module.registerHooks({
    resolve(specifier, context, next) {
      const isDrizzle = specifier === "drizzle-orm" || specifier.startsWith("drizzle-orm/");
      if (!isDrizzle || !context.conditions.includes("import")) return next(specifier, context);
      if (!found.has(specifier)) found.set(specifier, pathToFileURL(resolve(specifier)).href);
      return { url: found.get(specifier), format: "commonjs", shortCircuit: true };
    },
  });
}

/** Runs this same program with the newer Node, so that everything above holds for it too. */
function runAgain() {
  const node = packagedNode();
  if (node === undefined) return refuse();
  // In a process group of its own: a terminal sends Ctrl-C to the whole group, so the child would receive it twice, and a
  // second Ctrl-C means "at once". With an IPC channel: a running command ends if this process ends.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
  });
  child.on("error", refuse);
  // The child decides how to handle a signal; this process only passes it on and waits.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  endWithParent(() => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/**
 * npm starts a command in a shell and sends SIGTERM to that shell. In `npx` and `npm run`, dash dies of it without passing
 * it on. So below npm, the end of this process's parent counts as SIGTERM. Without npm, a process may well outlive the
 * shell that started it.
 */
function endWithParent(end) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    end();
  }, 250);
  // The watch on the parent must not keep this process alive.
  poll.unref();
}

/** The path of the Node that is installed with this program, unless that one is too old as well. */
function packagedNode() {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve("node/package.json");
    const isNewer = Number.parseInt(require(manifest).version, 10) >= 24;
    return isNewer ? join(dirname(manifest), "bin", "node") : undefined;
  } catch {
    return undefined;
  }
}

function refuse() {
  process.stderr.write(
    `error: Reembed needs Node 24; this is ${process.version}, and no newer one is installed with it.\n`,
  );
  process.stderr.write("  Install Node 24 or newer, or run `npm ci` with development dependencies.\n");
  process.exitCode = 2;
}
