import { globSync, readFileSync } from "node:fs";
import type { Database } from "@reembed/store/database";
import { sql } from "drizzle-orm";
import type { Redis } from "ioredis";
import { roundTo } from "../embed/figures.ts";

/** CPU seconds of each part of a fleet: since its start, or per million chunks. */
export interface CpuUse {
  postgres: number;
  redis: number;
  producer: number;
  workers: number;
}

/** USER_HZ, which is 100 on all Linux platforms that Node supports. */
const ticksPerSecond = 100;

/** Processes of the servers, which run on this host. */
export interface ServerProcesses {
  postmaster: number;
  redis: number;
}

export async function findServers(database: Database, redis: Redis): Promise<ServerProcesses> {
  const server = await redis.info("server");
  return {
    postmaster: await findPostmaster(database),
    redis: Number(/^process_id:(\d+)/m.exec(server)?.[1]),
  };
}

export async function findPostmaster(database: Database): Promise<number> {
  const { rows } = await database.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
  const status = readFileSync(`/proc/${rows[0]?.pid}/status`, "utf8");
  return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
}

/** CPU time of a process's threads, and of its children that have ended. */
export function cpuSecondsOf(pid: number): number {
  // proc_pid_stat(5): after the name, which may contain anything, utime, stime, cutime and cstime are fields 12 to 15.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

/** CPU time of PostgreSQL: the postmaster with its ended sessions, and the running sessions. */
export function postgresCpuSeconds(postmaster: number): number {
  const [list = ""] = globSync(`/proc/${postmaster}/task/${postmaster}/children`);
  const sessions = readFileSync(list, "utf8").trim().split(" ").filter(Boolean).map(Number);
  return [postmaster, ...sessions].reduce((sum, pid) => sum + ifRunning(pid), 0);
}

/** A session may end after it was listed; the postmaster then includes its time. */
function ifRunning(pid: number): number {
  try {
    return cpuSecondsOf(pid);
  } catch {
    return 0;
  }
}

export function perMillion(before: CpuUse, after: CpuUse, chunks: number): CpuUse {
  const of = (part: keyof CpuUse) => roundTo(((after[part] - before[part]) / chunks) * 1e6, 0);
  return { postgres: of("postgres"), redis: of("redis"), producer: of("producer"), workers: of("workers") };
}
