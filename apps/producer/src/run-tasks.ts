import { hostname } from "node:os";
import { adviceOf, messageOf } from "@reembed/core";
import { buildRequestedIndex } from "@reembed/migration/index";
import { type Logger, repeatEvery } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { claimTask, endTask, reportTask } from "@reembed/store/operators";

export interface TaskOptions {
  database: Database;
  /** How often this process looks for a task, or reports how far it is. */
  everyMs: number;
  log: Logger;
}

/**
 * Does what a page has asked for and no request can wait for, one task at a time among all producers. If this process ends,
 * its task ends with it and can be asked for again; what the server is building goes on there, and is followed then.
 */
export function runTasks({ database, everyMs, log }: TaskOptions): AsyncDisposable {
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
      return { succeeded: true, says: await buildRequestedIndex(database, profile, { onSays, signal }) };
    } catch (error) {
      return { succeeded: false, says: adviceOf(error) };
    }
  };
  const turn = async () => {
    if (running !== undefined) return await reportTask(database, running);
    const task = await claimTask(database, takenBy);
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
      const says = "Its process was stopped. Ask again: a build that still runs in the server is followed.";
      await endTask(database, { id: interrupted.id, says, succeeded: false }).catch(() => undefined);
    },
  };
}
