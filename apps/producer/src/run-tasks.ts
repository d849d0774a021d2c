import { hostname } from "node:os";
import { messageOf } from "@reembed/core";
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
  let stopped = false;

  const run = async (id: number, profile: string) => {
    const end = { id, ...(await attempt(profile)) };
    running = undefined;
    // A process that stops has said so already, and closes its connections.
    if (stopped) return;
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
      return { succeeded: true, says: await buildRequestedIndex(database, profile, onSays) };
    } catch (error) {
      return { succeeded: false, says: messageOf(error) };
    }
  };
  const turn = async () => {
    if (running !== undefined) return void (await reportTask(database, running));
    const task = await claimTask(database, takenBy);
    if (task === undefined) return;
    log.info({ profile: task.profile, by: task.requestedBy }, `${task.kind} begun`);
    running = { id: task.id, takenBy, says: "it has begun" };
    void run(task.id, task.profile);
  };

  const turns = repeatEvery(everyMs, turn, (error) => log.warn({ error: messageOf(error) }, "tasks cannot be read"));
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      await turns[Symbol.asyncDispose]();
      if (running === undefined) return;
      const says = "Its process was stopped. Ask again: what the server goes on building is followed.";
      await endTask(database, { id: running.id, says, succeeded: false }).catch(() => undefined);
    },
  };
}
