import { formatMoment, ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import {
  type Decision,
  type NewTask,
  readLastTask,
  requestTask,
  type Task,
  type TaskKind,
} from "@reembed/store/operators";

/** Who takes a task of a kind, what it does then, and what to do if it is lost. */
const words: Record<TaskKind, { taker: string; does: string; again: string }> = {
  "index build": {
    taker: "producer",
    does: "builds it",
    again: "ask again, and a build that still runs in the server is followed",
  },
  verification: { taker: "worker of the profile", does: "verifies it", again: "ask again" },
};

/**
 * Asks for work that no request can wait for, because it takes minutes to hours.
 * @throws ReembedError `task_open` if something was asked for already (exit code 3).
 */
export async function askFor(database: Database, task: NewTask, decision: Decision): Promise<void> {
  const open = await requestTask(database, task, decision);
  if (open !== undefined) throw new ReembedError("task_open", describeTask(open), { exitCode: 3 });
}

/** The task that nothing else can be asked for beside, in words; undefined if there is none. */
export async function describeOpenTask(database: Database): Promise<string | undefined> {
  const last = await readLastTask(database);
  return last?.state === "waiting" || last?.state === "running" ? describeTask(last) : undefined;
}

/** Who asked for what, and how far it is or what came of it. */
export function describeTask({ kind, profile, requestedBy, requestedAt, state, takenBy, says }: Task): string {
  const { taker, does, again } = words[kind];
  const asked = `${requestedBy} asked for the ${kind} of ${profile} at ${formatMoment(requestedAt)}`;
  const rest: Record<Task["state"], string> = {
    waiting: `It waits for a ${taker} to take it.`,
    running: `${takenBy} ${does}: ${says ?? "it has begun"}.`,
    lost:
      takenBy === null
        ? `No ${taker} has taken it for an hour, and none will any more: ask again.`
        : `${takenBy} has given no sign of life for a minute: ${again}.`,
    done: `It is done: ${says}.`,
    failed: `It failed: ${says}`,
  };
  return `${asked}. ${rest[state]}`;
}

export function describeStopped(kind: TaskKind): string {
  return `Its process was stopped: ${words[kind].again}.`;
}
