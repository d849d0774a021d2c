import type { Database } from "@reembed/store/database";
import { sql } from "drizzle-orm";
import type { Write } from "./sides.ts";

export interface Measurement {
  rowsPerSecond: number;
  /** CPU time of all threads of this process, without the server's. */
  cpuMicrosecondsPerRow: number;
}

export interface Round extends Measurement {
  /** Hash of all stored vectors: both sides must have stored the same ones. */
  digest: string;
}

/** Runs every write once, with limited concurrency, into an empty table. */
export async function measureRound(
  database: Database,
  writes: readonly Write[],
  { rows, connections }: { rows: number; connections: number },
): Promise<Round> {
  await database.execute(sql`truncate reembed.chunk_embeddings`);
  // Writes that the previous round has left must not be measured in this one.
  await database.execute(sql`checkpoint`);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await runConcurrently(writes, connections);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    rowsPerSecond: rows / seconds,
    cpuMicrosecondsPerRow: (cpu.user + cpu.system) / rows,
    digest: await digestStored(database, rows),
  };
}

export function medianOf(rounds: readonly Measurement[]): Measurement {
  return {
    rowsPerSecond: median(rounds.map((round) => round.rowsPerSecond)),
    cpuMicrosecondsPerRow: median(rounds.map((round) => round.cpuMicrosecondsPerRow)),
  };
}

/** Each connection takes the next write when its last one is done. */
async function runConcurrently(writes: readonly Write[], connections: number): Promise<void> {
  const queue = writes.values();
  const connection = async () => {
    for (const write of queue) await write();
  };
  await Promise.all(Array.from({ length: connections }, connection));
}

async function digestStored(database: Database, rows: number): Promise<string> {
  const stored = await database.execute<{ rows: number; digest: string }>(sql`
    select count(*)::int as rows, md5(string_agg(halfvec_send(embedding), '' order by chunk_id)) as digest
    from reembed.chunk_embeddings`);
  const [found] = stored.rows;
  if (found?.rows !== rows) throw new Error(`${found?.rows} of ${rows} rows were stored`);
  return found.digest;
}

/** The median of an odd number of values. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
