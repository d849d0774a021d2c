import type { Database } from "@reembed/store";
import { sql } from "drizzle-orm";
import type { Write } from "./sides.ts";

export interface Measurement {
  rowsPerSecond: number;
  /** Of this process: the server's own time is not in it. */
  cpuMicrosecondsPerRow: number;
}

/** Empties the table, runs every write once, a fixed number at a time, and checks that each row arrived. */
export async function measure(
  database: Database,
  writes: readonly Write[],
  { rows, connections }: { rows: number; connections: number },
): Promise<Measurement> {
  await database.execute(sql`truncate reembed.chunk_embeddings`);
  await database.execute(sql`checkpoint`);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await runConcurrently(writes, connections);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);

  const stored = await database.$count(sql`reembed.chunk_embeddings`);
  if (stored !== rows) throw new Error(`${stored} of ${rows} rows were stored: this round measured something else`);
  return { rowsPerSecond: rows / seconds, cpuMicrosecondsPerRow: (cpu.user + cpu.system) / rows };
}

/** Each connection takes the next write when it has finished one. */
async function runConcurrently(writes: readonly Write[], connections: number): Promise<void> {
  const queue = writes.values();
  const connection = async () => {
    for (const write of queue) await write();
  };
  await Promise.all(Array.from({ length: connections }, connection));
}
