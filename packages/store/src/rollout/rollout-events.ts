import { and, desc, eq, gt, ne, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { rolloutEvents } from "../schema/rollout.ts";

/** Who changes a rollout to another pair of profiles, and who rolls back or warns, if it is not a person. */
export const environmentName = "environment";
export const guardrailName = "guardrail";

/** A change of the rollout: who, when, from where to where, and why. */
export type RolloutEvent = typeof rolloutEvents.$inferSelect;

/** The last changes, newest first. */
export async function readRolloutEvents(database: Queryable, limit: number): Promise<RolloutEvent[]> {
  return await database.select().from(rolloutEvents).orderBy(desc(rolloutEvents.id)).limit(limit);
}

/** The last change by which the rollout reached its present stage; undefined if it is in its first stage. */
export async function readStageEntry(database: Queryable): Promise<RolloutEvent | undefined> {
  const [entry] = await database
    .select()
    .from(rolloutEvents)
    .where(ne(rolloutEvents.fromStage, rolloutEvents.toStage))
    .orderBy(desc(rolloutEvents.id))
    .limit(1);
  return entry;
}

/** A condition on `rollout_events`: after the last change of the pair of profiles. */
export const ofPresentPair = sql`${rolloutEvents.id} > coalesce(
  (select max(other.id) from reembed.rollout_events other where other.changed_by = ${environmentName}), 0)`;

/** The changes between the present two profiles, newest first. A migration has some tens; the last thousand are read. */
export async function readPairEvents(database: Queryable): Promise<RolloutEvent[]> {
  return await database.select().from(rolloutEvents).where(ofPresentPair).orderBy(desc(rolloutEvents.id)).limit(1_000);
}

/** What guardrails have done since a moment, the oldest first. */
export async function readBreachesSince(database: Queryable, since: Date): Promise<RolloutEvent[]> {
  return await database
    .select()
    .from(rolloutEvents)
    .where(and(eq(rolloutEvents.changedBy, guardrailName), gt(rolloutEvents.changedAt, since)))
    .orderBy(rolloutEvents.id);
}

/** The last event of a guardrail between the present two profiles. */
export async function readLastBreach(database: Queryable): Promise<RolloutEvent | undefined> {
  const [breach] = await database
    .select()
    .from(rolloutEvents)
    .where(and(eq(rolloutEvents.changedBy, guardrailName), ofPresentPair))
    .orderBy(desc(rolloutEvents.id))
    .limit(1);
  return breach;
}
