import { hostname } from "node:os";
import { adviceOf, messageOf } from "@reembed/core";
import { type Logger, repeatEvery } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { claimTask, endTask, reportTask, type TaskKind } from "@reembed/store/operators";
import { describeStopped } from "./describe-task.ts";

export interface Performing {
  /** Receives what is being done. */
  onSays: (says: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

export interface TaskOptions {
  database: Database;
  kind: TaskKind;
  /** The profile whose tasks this process takes; by default those of all. */
  profile?: string;
  /** Does a task. Returns what came of it in words; what it throws is told as its failure. */
  perform: (profile: string, performing: Performing) => Promise<string>;
  /** How often this process looks for a task, or reports how far it is. */
  everyMs?: number;
  log: Logger;
}

/**
 * Does what a page has asked for and no request can wait for, one task at a time among all processes. If this process ends,
 * its task ends with it and can be asked for again.
 */
export function runTasks({ database, kind, profile, perform, everyMs = 5_000, log }: TaskOptions): AsyncDisposable {
  const takenBy = `${hostname()}, process ${process.pid}`;
  let running: { id: number; takenBy: string; says: string } | undefined;
  const stopping = new AbortController();
  const { signal } = stopping;

  const run = async (id: number, profile: string) => {
    const end = { id, ...(await attempt(profile)) };
    running = undefined;
    // A process that stops has said so already, and closes its connections.
    if (signal.aborted) return;
    log.info({ profile, ...end }, "task ended");
    await endTask(database, end).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, "the end of a task cannot be recorded"),
    );
  };
  const attempt = async (profile: string) => {
    try {
      const onSays = (says: string) => {
        if (running !== undefined) running.says = says;
      };
      return { succeeded: true, says: await perform(profile, { onSays, signal }) };
    } catch (error) {
      return { succeeded: false, says: adviceOf(error) };
    }
  };
  const turn = async () => {
    if (running !== undefined) return await reportTask(database, running);
    const task = await claimTask(database, takenBy, { kind, profile });
    if (task === undefined) return;
    log.info({ profile: task.profile, by: task.requestedBy }, `${task.kind} begun`);
    running = { id: task.id, takenBy, says: "it has begun" };
    void run(task.id, task.profile);
  };

  const turns = repeatEvery(everyMs, turn, (error) => log.warn({ error: messageOf(error) }, "tasks cannot be read"));
  return {
    async [Symbol.asyncDispose]() {
      await turns[Symbol.asyncDispose]();
      const interrupted = running;
      stopping.abort();
      if (interrupted === undefined) return;
      await endTask(database, { id: interrupted.id, says: describeStopped(kind), succeeded: false }).catch(
        () => undefined,
      );
    },
  };
}
