import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Database } from "@reembed/store/database";
import { sql } from "drizzle-orm";
import { roundTo } from "../embed/figures.ts";
import { cpuSecondsOf } from "../fleet/cpu-use.ts";

/** From the start of a worker's process to its first vector in the database. */
export interface StartFigures {
  seconds: number;
  /** CPU time of the worker's process, with its tokenizer. */
  workerCpuSeconds: number;
  inferenceCpuSeconds: number;
}

const reembed = fileURLToPath(new URL("../../apps/cli/bin/reembed.mjs", import.meta.url));
const pollMs = 10;
/** More than the workers of all rounds embed. */
const documents = 5_000;

/** Starts one worker after another on a queue of short texts. The first one also waits for the producer, and does not count. */
export async function measureStarts(
  database: Database,
  environment: Record<string, string>,
  rounds: number,
): Promise<StartFigures[]> {
  await using scope = new AsyncDisposableStack();
  // A job has one text, so that its run of the model is short.
  const env = { ...process.env, LOG_LEVEL: "warn", BATCH_SIZE: "1", ...environment };
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [reembed, ...args], { env });
  await run("init");
  await run("load", await writeDocuments(scope));
  await run("backfill", "start");
  const start = (command: string) =>
    spawn(process.execPath, [reembed, command], { env, stdio: ["ignore", "ignore", "inherit"] });
  const producer = start("producer");
  scope.defer(() => stop(producer));
  await measureStart(database, () => start("worker"));
  const figures: StartFigures[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await measureStart(database, () => start("worker")));
  return figures;
}

async function measureStart(database: Database, start: () => ChildProcess): Promise<StartFigures> {
  const before = await countVectors(database);
  const startedAt = performance.now();
  const worker = start();
  try {
    while ((await countVectors(database)) === before) {
      if (worker.exitCode !== null) throw new Error(`The worker ended with ${worker.exitCode}`);
      await delay(pollMs);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const { pid = 0 } = worker;
    const children = globSync(`/proc/${pid}/task/*/children`).flatMap((path) =>
      readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number),
    );
    return {
      seconds: roundTo(seconds, 2),
      workerCpuSeconds: roundTo(cpuSecondsOf(pid), 2),
      inferenceCpuSeconds: roundTo(
        children.reduce((sum, child) => sum + cpuSecondsOf(child), 0),
        2,
      ),
    };
  } finally {
    await stop(worker);
  }
}

async function countVectors(database: Database): Promise<number> {
  const { rows } = await database.execute<{ count: string }>(sql`select count(*) from reembed.chunk_embeddings`);
  return Number(rows[0]?.count);
}

async function writeDocuments(scope: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-start-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "documents.jsonl");
  const lines = Array.from({ length: documents }, (_, index) =>
    JSON.stringify({
      uri: `${index}`,
      title: `Note ${index}`,
      language: "en",
      body: `Note ${index}: the door is open.`,
    }),
  );
  await writeFile(path, lines.join("\n"));
  return path;
}

async function stop(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null) return;
  const exited = once(process, "exit");
  process.kill("SIGTERM");
  await exited;
}
