import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Collects the child processes that this process starts, until disposal. */
export function watchChildren(): Disposable & { children: ChildProcess[] } {
  const children: ChildProcess[] = [];
  const onStart = (message: unknown) => children.push((message as { process: ChildProcess }).process);
  subscribe("child_process", onStart);
  return { children, [Symbol.dispose]: () => void unsubscribe("child_process", onStart) };
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
