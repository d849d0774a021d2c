import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Chunking } from "@reembed/core";
import type { TestServers } from "@reembed/testing";
import { Client } from "pg";

const reembed = fileURLToPath(new URL("../bin/reembed.mjs", import.meta.url));

/** The application name of a fleet's sessions in `pg_stat_activity`, so that the test's own sessions are not terminated. */
const fleetSessions = "reembed-fleet";

/** Terminates every session of a fleet on this server, and returns their number. */
export async function endFleetSessions(connectionString: string): Promise<number> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const ended = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1";
    return (await client.query(ended, [fleetSessions])).rows.length;
  } finally {
    await client.end();
  }
}

/** A producer, some workers and perhaps a dashboard, each a process started as an operator starts it. */
export interface Fleet extends AsyncDisposable {
  /** Kills a worker with SIGKILL and returns the chunks that it had embedded. */
  killWorker(index: number): Promise<Set<number>>;
  /** Sends SIGSTOP or SIGCONT, like a host that is paused, moved or out of memory for a while. */
  signalWorker(index: number, signal: "SIGSTOP" | "SIGCONT"): void;
  /** Asks a worker to end with SIGTERM and returns its exit code. */
  stopWorker(index: number): Promise<number | null>;
  /** Starts another worker and returns its index. */
  addWorker(): number;
  /** The chunks that a worker has embedded, in order. */
  embeddedBy(index: number): number[];
  /** How often each chunk was embedded, from the workers' logs. */
  embeddedChunks(): Map<number, number>;
  /** The output of processes that ended without being asked to. */
  exited(): string[];
  /** Whether a worker has logged a line with this message. */
  hasLogged(index: number, message: string): boolean;
  /** The logs of all processes so far. */
  logs(): FleetLog[];
}

export interface FleetLog {
  /** `worker`, `producer` or `dashboard`. */
  command: string;
  pid: number;
  lines: string[];
}

interface Member extends FleetLog {
  process: ChildProcess;
  /** Resolves after it has exited and its last line was read. */
  ended: Promise<unknown>;
  stopped: boolean;
}

interface FleetOptions {
  profile: string;
  chunking: Chunking;
  workers: number;
  dashboard?: boolean;
  settings?: Record<string, string>;
}

export function startFleet(servers: TestServers, { workers, dashboard = false, ...options }: FleetOptions): Fleet {
  const environment = environmentOf(servers, options);
  const start = (command: string) => startMember(command, environment);
  const fleet = Array.from({ length: workers }, () => start("worker"));
  const members = [...fleet, start("producer"), ...(dashboard ? [start("dashboard")] : [])];
  const memberAt = (index: number): Member => {
    const member = fleet[index];
    if (member === undefined) throw new RangeError(`There is no worker ${index}`);
    return member;
  };
  const end = async (index: number, signal: "SIGKILL" | "SIGTERM"): Promise<Member> => {
    const member = Object.assign(memberAt(index), { stopped: true });
    member.process.kill(signal);
    await member.ended;
    return member;
  };

  return {
    killWorker: async (index) => new Set(embeddedBy(await end(index, "SIGKILL"))),
    signalWorker: (index, signal) => void memberAt(index).process.kill(signal),
    stopWorker: async (index) => (await end(index, "SIGTERM")).process.exitCode,
    addWorker() {
      const member = start("worker");
      members.push(member);
      return fleet.push(member) - 1;
    },
    embeddedBy: (index) => (fleet[index] === undefined ? [] : embeddedBy(fleet[index])),
    embeddedChunks() {
      const counts = new Map<number, number>();
      for (const chunkId of fleet.flatMap(embeddedBy)) counts.set(chunkId, (counts.get(chunkId) ?? 0) + 1);
      return counts;
    },
    exited: () =>
      members.filter((member) => hasEnded(member) && !member.stopped).map((member) => member.lines.join("\n")),
    hasLogged: (index, message) => fleet[index]?.lines.some((line) => line.includes(`"msg":"${message}"`)) ?? false,
    logs: () => members.map(({ command, pid, lines }) => ({ command, pid, lines: [...lines] })),
    async [Symbol.asyncDispose]() {
      for (const member of members) member.process.kill("SIGTERM");
      await Promise.all(members.map((member) => member.ended));
    },
  };
}

function environmentOf(
  { connectionString, queue }: TestServers,
  { profile, chunking, settings }: Pick<FleetOptions, "profile" | "chunking" | "settings">,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PGAPPNAME: fleetSessions,
    DATABASE_URL: connectionString,
    REDIS_URL: queue.kind === "redis" ? queue.url : "",
    CANDIDATE_PROFILE: profile,
    MAX_CHUNK_SIZE: `${chunking.size}`,
    CHUNK_OVERLAP: `${chunking.overlap}`,
    TICK_SECONDS: "0.2",
    LOCK_SECONDS: "2",
    DASHBOARD_PORT: "0",
    LOG_LEVEL: "debug",
    ...settings,
  };
}

function startMember(command: string, env: NodeJS.ProcessEnv): Member {
  const child = spawn(process.execPath, [reembed, command], { env, stdio: ["ignore", "ignore", "pipe"] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const ended = Promise.all([once(reader, "close"), once(child, "exit")]);
  return { command, pid: child.pid ?? 0, process: child, lines, ended, stopped: false };
}

function hasEnded({ process: { exitCode, signalCode } }: Member): boolean {
  return exitCode !== null || signalCode !== null;
}

function embeddedBy({ lines }: Member): number[] {
  return lines.flatMap((line) => {
    const event = JSON.parse(line) as { msg: string; chunkIds?: number[] };
    return event.msg === "micro-batch embedded" ? (event.chunkIds ?? []) : [];
  });
}
