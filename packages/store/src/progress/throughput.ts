import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** What all workers of a profile embedded within one minute. */
export interface MinuteOfWork {
  /** The start of the minute. */
  minute: Date;
  chunks: number;
  tokens: number;
}

/** Adds to the present minute's work, by the database's clock, so that workers need not agree on the time. */
export async function addThroughput(
  database: Database,
  profile: string,
  { chunks, tokens }: Pick<MinuteOfWork, "chunks" | "tokens">,
): Promise<void> {
  if (chunks === 0 && tokens === 0) return;
  await database.execute(sql`
    insert into reembed.throughput (profile, minute, chunks, tokens)
    values (${profile}, date_trunc('minute', now()), ${chunks}, ${tokens})
    on conflict (profile, minute) do update set
      chunks = throughput.chunks + excluded.chunks, tokens = throughput.tokens + excluded.tokens`);
}

/** The last `minutes` minutes including the present one, the oldest first; idle minutes have zeros. */
export async function readThroughput(database: Database, profile: string, minutes: number): Promise<MinuteOfWork[]> {
  const { rows } = await database.execute<{ minute: string; chunks: string; tokens: string }>(sql`
    select extract(epoch from minute) * 1000 as minute, coalesce(chunks, 0) as chunks, coalesce(tokens, 0) as tokens
    from generate_series(
      date_trunc('minute', now()) - ${minutes - 1} * interval '1 minute', date_trunc('minute', now()), interval '1 minute'
    ) as minute
    left join (
      select * from reembed.throughput where profile = ${profile} and minute > now() - ${minutes} * interval '1 minute'
    ) as work using (minute)
    order by minute`);
  return rows.map((row) => ({
    minute: new Date(Number(row.minute)),
    chunks: Number(row.chunks),
    tokens: Number(row.tokens),
  }));
}

/** Everything that was embedded since a moment, as far as the history goes back. */
export interface Work {
  /** The start of its first minute. */
  since: Date;
  chunks: number;
  tokens: number;
}

/** What was embedded from the minute of `since` on; undefined if nothing was. */
export async function readWork(database: Database, profile: string, since: Date): Promise<Work | undefined> {
  const { rows } = await database.execute<{ since: string | null; chunks: string; tokens: string }>(sql`
    select extract(epoch from min(minute)) * 1000 as since, sum(chunks) as chunks, sum(tokens) as tokens
    from reembed.throughput where profile = ${profile} and minute >= date_trunc('minute', ${since.toISOString()}::timestamptz)`);
  const [work] = rows;
  if (work === undefined || work.since === null) return undefined;
  return { since: new Date(Number(work.since)), chunks: Number(work.chunks), tokens: Number(work.tokens) };
}

/** The work on several profiles from its first minute on, in equal parts of time. */
export interface Course {
  from: Date;
  to: Date;
  secondsPerPart: number;
  /** What was embedded in a part, by profile; parts without work are left out. */
  parts: { profile: string; from: Date; chunks: number; tokens: number }[];
}

/** Undefined if nothing was embedded, or if that is longer ago than the history is kept. */
export async function readCourse(
  database: Database,
  names: readonly string[],
  mostParts: number,
): Promise<Course | undefined> {
  const { rows: bounds } = await database.execute<{ first: string | null; last: string | null }>(sql`
    select extract(epoch from min(minute)) as first, extract(epoch from max(minute)) + 60 as last
    from reembed.throughput where profile = any(${sql.param(names)}::text[])`);
  const [first, last] = [bounds[0]?.first, bounds[0]?.last];
  if (first == null || last == null) return undefined;
  const from = Number(first);
  const secondsPerPart = 60 * Math.max(1, Math.ceil((Number(last) - from) / 60 / mostParts));
  const { rows } = await database.execute<{ profile: string; part: string; chunks: string; tokens: string }>(sql`
    select profile, floor((extract(epoch from minute) - ${from}::float8) / ${secondsPerPart}::float8) as part,
      sum(chunks) as chunks, sum(tokens) as tokens
    from reembed.throughput where profile = any(${sql.param(names)}::text[])
    group by 1, 2 order by 2, 1`);
  return {
    from: new Date(1_000 * from),
    to: new Date(1_000 * Number(last)),
    secondsPerPart,
    parts: rows.map(({ profile, part, chunks, tokens }) => ({
      profile,
      from: new Date(1_000 * (from + Number(part) * secondsPerPart)),
      chunks: Number(chunks),
      tokens: Number(tokens),
    })),
  };
}
