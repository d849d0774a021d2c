import { desc, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { tasks } from "../schema/operators.ts";
import { type Decision, recordChange } from "./operator-changes.ts";

type Row = typeof tasks.$inferSelect;
/** `lost`: its process has given no sign of life, or none has taken it for an hour. It can be asked for again. */
export type TaskState = "waiting" | "running" | "lost" | "done" | "failed";
export type Task = Row & { state: TaskState };
export type TaskKind = Row["kind"];
export type NewTask = Pick<Row, "kind" | "profile">;

/** Processes report every few seconds; a database that is busy may delay that. */
const lostAfterSeconds = 60;
const untakenAfterSeconds = 3_600;

const isLost = sql`
  ended_at is null and (coalesce(seen_at < now() - make_interval(secs => ${lostAfterSeconds}), false)
    or taken_by is null and requested_at < now() - make_interval(secs => ${untakenAfterSeconds}))`;

/** Asks for a task and records who did. Returns the one that is open already instead, if there is one that is not lost. */
export async function requestTask(
  database: Database,
  { kind, profile }: NewTask,
  decision: Decision,
): Promise<Task | undefined> {
  return await database.transaction(async (transaction) => {
    await transaction.execute(sql`
      update reembed.tasks set ended_at = now(), succeeded = false,
        says = case when taken_by is null then 'No process has taken it.' else 'Its process has given no sign of life.' end
      where ${isLost}`);
    const { rowCount } = await transaction.execute(sql`
      insert into reembed.tasks (kind, profile, requested_by) values (${kind}, ${profile}, ${decision.by})
      on conflict ((ended_at is null)) where ended_at is null do nothing`);
    if (rowCount === 0) return await readLastTask(transaction);
    await recordChange(
      transaction,
      { subject: `${kind} of ${profile}`, fromValue: "", toValue: "asked for" },
      decision,
    );
    return undefined;
  });
}

/**
 * Takes the task that waits, if it is of this kind and, if one is named, of this profile; undefined if there is none, or
 * another process was faster.
 */
export async function claimTask(
  database: Queryable,
  takenBy: string,
  { kind, profile = null }: { kind: TaskKind; profile?: string | undefined | null },
): Promise<Row | undefined> {
  const [claimed] = await database
    .update(tasks)
    .set({ takenBy, seenAt: sql`now()` })
    .where(
      sql`${tasks.endedAt} is null and ${tasks.takenBy} is null and not (${isLost})
        and ${tasks.kind} = ${kind} and ${tasks.profile} = coalesce(${profile}, ${tasks.profile})`,
    )
    .returning();
  return claimed;
}

/** A sign of life, unless the task was given up meanwhile. */
export async function reportTask(
  database: Queryable,
  { id, takenBy, says }: Pick<Row, "id" | "takenBy" | "says">,
): Promise<void> {
  await database.execute(sql`
    update reembed.tasks set seen_at = now(), says = ${says}
    where id = ${id} and taken_by = ${takenBy} and ended_at is null`);
}

export async function endTask(
  database: Queryable,
  { id, says, succeeded }: Pick<Row, "id" | "says" | "succeeded">,
): Promise<void> {
  await database.execute(sql`
    update reembed.tasks set ended_at = now(), succeeded = ${succeeded}, says = ${says}
    where id = ${id} and ended_at is null`);
}

/** The last task that was asked for. */
export async function readLastTask(database: Queryable): Promise<Task | undefined> {
  const state = sql<TaskState>`case when ended_at is not null then case when succeeded then 'done' else 'failed' end
    when ${isLost} then 'lost' when taken_by is null then 'waiting' else 'running' end`;
  const [last] = await database.select({ task: tasks, state }).from(tasks).orderBy(desc(tasks.id)).limit(1);
  return last && { ...last.task, state: last.state };
}
