import { type GuardWindow, type LatencyBounds, latencyRanks } from "@reembed/core";
import { and, desc, isNotNull, type SQL, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { rolloutEvents } from "../schema/rollout.ts";
import { ofPresentPair } from "./rollout-events.ts";

export interface GuardWindowOptions {
  windowSeconds: number;
  /** Older searches do not count. */
  since?: Date | undefined;
  /** For a profile that answers unseen: these answers count too. */
  shadow?: boolean | undefined;
}

/** How a profile answered in the last seconds. With 50,000 searches it takes a busy database with two cores 0.2 s. */
export async function readGuardWindow(
  database: Queryable,
  profile: string,
  { windowSeconds, since, shadow = false }: GuardWindowOptions,
): Promise<GuardWindow> {
  // If it is in the future, it was written before the database's clock was set back, and would exclude everything.
  const stageEntry = sql`${since?.toISOString() ?? "-infinity"}::timestamptz`;
  const searches = sql`
    reembed.search_events where profile = ${profile} and (shadow_of is null or ${shadow}::boolean)
      and searched_at >= now() - ${windowSeconds} * interval '1 second'
      and searched_at <= clock_timestamp()
      and searched_at >= case when ${stageEntry} <= now() then ${stageEntry} else '-infinity' end`;
  const { rows } = await database.execute<Record<"searches" | "errors" | "empty", string>>(sql`
    select count(*) as searches, count(error) as errors, count(*) filter (where error is null and results = 0) as empty
    from ${searches}`);
  const [searched, errors, empty] = [rows[0]?.searches, rows[0]?.errors, rows[0]?.empty].map(Number);
  const answers = (searched ?? 0) - (errors ?? 0);
  return {
    searches: searched ?? 0,
    errors: errors ?? 0,
    empty: empty ?? 0,
    // A separate query, because the ranks of the bounds depend on the number of answers.
    latency: answers === 0 ? null : await readLatency(database, searches, answers),
    ...(await readFeedback(database, searches)),
  };
}

/** Feedback belongs to the answer that was seen. A shadow's answer has the request id of that answer. */
async function readFeedback(database: Queryable, searches: SQL): Promise<Pick<GuardWindow, "judged" | "negative">> {
  const { rows } = await database.execute<Record<"judged" | "negative", string>>(sql`
    select count(distinct request_id) as judged,
      count(distinct request_id) filter (where kind = 'unhelpful') as negative
    from reembed.search_feedback
    where request_id in (select request_id from ${searches} and shadow_of is null)`);
  return { judged: Number(rows[0]?.judged), negative: Number(rows[0]?.negative) };
}

async function readLatency(database: Queryable, searches: SQL, answers: number): Promise<LatencyBounds | null> {
  const { p95, low, high } = latencyRanks(answers);
  // percentile_disc returns the value of rank ceil(fraction * n): subtracting half a rank avoids rounding to the next one.
  const fractions = [p95, low, high].map((rank) => (rank - 0.5) / answers);
  const { rows } = await database.execute<{ times: [number, number, number] | null }>(sql`
    select percentile_disc(${sql.param(fractions)}::float8[]) within group (order by took_ms) as times
    from ${searches} and error is null`);
  const times = rows[0]?.times;
  return times ? { p95: times[0], low: times[1], high: times[2] } : null;
}

/** The baseline's window that was stored with the last change of the rollout between these two profiles. */
export async function readKeptWindow(database: Queryable): Promise<GuardWindow | undefined> {
  const [kept] = await database
    .select({ window: rolloutEvents.baselineWindow })
    .from(rolloutEvents)
    .where(and(isNotNull(rolloutEvents.baselineWindow), ofPresentPair))
    .orderBy(desc(rolloutEvents.id))
    .limit(1);
  return kept?.window ?? undefined;
}
