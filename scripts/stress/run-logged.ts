import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, rm } from "node:fs/promises";

export interface LoggedRun {
  /** How it ended: an exit code or a signal. */
  end: number | NodeJS.Signals;
}

/** Runs a program with our Node and waits for its end. Its output goes to `log`, which is kept only after a failure. */
export async function runLogged(args: readonly string[], log: string): Promise<LoggedRun> {
  await using file = await open(log, "w");
  const child = spawn(process.execPath, args, { stdio: ["ignore", file.fd, file.fd] });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  const end = code ?? signal ?? 1;
  if (end === 0) await rm(log);
  return { end };
}
