import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { waitFor } from "@reembed/testing";
import { onTestFinished } from "vitest";
import { reembed } from "./run-reembed.ts";

/** A command that keeps running, in a process of its own. */
export interface Running {
  process: ChildProcess;
  /** Its log and output so far. */
  lines: string[];
  /** Its exit code and signal, after it and all processes that write to its log have ended. */
  ended: Promise<[number | null, NodeJS.Signals | null]>;
  /** Resolves when it has logged or printed a matching line. */
  told(pattern: RegExp): Promise<void>;
}

/** Starts `reembed` as an operator does. It is ended with the test. */
export function startReembed(args: readonly string[], environment: Record<string, string>): Running {
  return startRunning([process.execPath, reembed, ...args], environment);
}

/** The same for a program that starts `reembed` itself. */
export function startRunning(
  [file, ...args]: readonly [string, ...string[]],
  environment: Record<string, string>,
  cwd?: string,
): Running {
  const child = spawn(file, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) createInterface(output).on("line", (line) => lines.push(line));
  return {
    process: child,
    lines,
    ended: once(child, "close") as Running["ended"],
    async told(pattern) {
      const heard = () => {
        if (lines.some((line) => pattern.test(line))) return true;
        if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended:\n${lines.join("\n")}`);
        return false;
      };
      await waitFor(`${args.join(" ")} to tell ${pattern}`, heard);
    },
  };
}
