import { eq, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { workers } from "../schema/processes.ts";

export type WorkerHeartbeat = Omit<typeof workers.$inferInsert, "startedAt" | "seenAt">;
export type LiveWorker = typeof workers.$inferSelect;

/**
 * A worker without a heartbeat for this long does not count as running; nor does one with a heartbeat in the future, from
 * before the database's clock was set back.
 */
export const runningWithinSeconds = 20;
const forgottenSeconds = 86_400;

/** Records a worker's heartbeat, and removes workers without one for a day. */
export async function recordHeartbeat(database: Database, heartbeat: WorkerHeartbeat): Promise<void> {
  const { chunksPerSecond, tokensPerSecond, waitsFor = null } = heartbeat;
  await database
    .insert(workers)
    .values(heartbeat)
    .onConflictDoUpdate({
      target: workers.id,
      set: { chunksPerSecond, tokensPerSecond, waitsFor, seenAt: sql`now()` },
    });
  await database.execute(sql`
    delete from reembed.workers where abs(extract(epoch from now() - seen_at)) > ${forgottenSeconds}`);
}

export async function removeHeartbeat(database: Database, id: string): Promise<void> {
  await database.delete(workers).where(eq(workers.id, id));
}

export async function readLiveWorkers(database: Database): Promise<LiveWorker[]> {
  return await database
    .select()
    .from(workers)
    .where(sql`abs(extract(epoch from now() - ${workers.seenAt})) < ${runningWithinSeconds}`)
    .orderBy(workers.profile, workers.startedAt);
}
