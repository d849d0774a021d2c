import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { startNativePostgres } from "@reembed/testing";
import { Command } from "commander";
import pg from "pg";
import { createCorpus } from "./corpus.ts";
import { type Lane, runLanes, type SequencesOptions, type SequencesReport } from "./run-sequences.ts";

// Runs many short sequences on a real PostgreSQL, divided among threads and lanes: see ARCHITECTURE.md, Tests.
const { runs, seed, events, path, replayPath, shrink, ...asked } = new Command("simulate")
  .description("producer, workers and operators under events in an order that fast-check chooses")
  .option("--runs <n>", "sequences of events", Number, 2_000)
  .option("--events <n>", "events of a sequence at most", Number, 60)
  .option("--seed <n>", "to repeat a run", Number, Date.now() % 1_000_000)
  .option("--threads <n>", "for a shorter start: with 1 there are no others", Number)
  .option("--path <path>", "to repeat one sequence, as its failure printed it")
  .option("--replay-path <path>", "likewise")
  .option("--no-shrink", "report a failure as it was found")
  .parse()
  .opts<SequencesOptions & { threads?: number }>();
if (![runs, seed, events].every((number) => Number.isInteger(number) && number > 0)) {
  throw new RangeError("--runs, --events and --seed must be whole numbers above 0");
}

/** The data need not survive the server, and the sequences do not need vacuum. */
const settings = { synchronous_commit: "off", autovacuum: "off", jit: "off" };
const lanesOfThread = 4;
const threads = path === undefined ? (asked.threads ?? Math.min(4, Math.max(2, availableParallelism()))) : 1;
const lanes = path === undefined ? Math.min(threads * lanesOfThread, runs) : 1;

const startedAt = performance.now();
await using postgres = await startNativePostgres({ settings });
for (const kind of ["own", "adopted"] as const) await createCorpus(kind, await postgres.createDatabase(kind));
const shared = new Int32Array(new SharedArrayBuffer(4));
const plans: Lane[] = [];
for (let lane = 0; lane < lanes; lane++) {
  const own = { runs: Math.ceil(runs / lanes), seed: seed + lane, failed: { lane: lane + 1, shared } };
  const options = { events, path, replayPath, shrink, ...own };
  const connectionStrings = { own: await copyDatabase("own", lane), adopted: await copyDatabase("adopted", lane) };
  plans.push({ connectionStrings, options });
}
const ofThreads = Array.from({ length: threads }, (_, thread) => plans.filter((_, lane) => lane % threads === thread));
const reports = threads === 1 ? await runLanes(plans) : (await Promise.all(ofThreads.map(runThread))).flat();

const happened: Record<string, number> = {};
for (const report of reports) {
  for (const [event, times] of Object.entries(report.events)) happened[event] = (happened[event] ?? 0) + times;
}
for (const { failure } of reports) {
  if (failure === null) continue;
  console.error(`${failure.message}\n\nThe shortest failing sequence:\n  ${failure.events.join("\n  ")}\n`);
  console.error(`Once more: npm run simulate -- --events ${events} --seed ${failure.seed} --path ${failure.path} \\
  --replay-path ${failure.replayPath}`);
}
const failed = reports.some(({ failure }) => failure !== null);
console.log(
  JSON.stringify({
    simulation: failed ? "failed" : "passed",
    seed,
    sequences: reports.reduce((sum, report) => sum + report.runs, 0),
    events: Object.values(happened).reduce((sum, times) => sum + times, 0),
    happened,
    seconds: Math.round((performance.now() - startedAt) / 1_000),
  }),
);
process.exitCode = failed ? 1 : 0;

async function copyDatabase(template: string, lane: number): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.connectionString });
  await client.connect();
  const name = `${template}_${lane}`;
  await client.query(`create database ${name} template ${template}`);
  await client.end();
  const url = new URL(postgres.connectionString);
  url.pathname = `/${name}`;
  return url.href;
}

async function runThread(workerData: Lane[]): Promise<SequencesReport[]> {
  const thread = new Worker(new URL("./simulation-thread.ts", import.meta.url), { workerData });
  const [reports] = (await once(thread, "message")) as [SequencesReport[]];
  await once(thread, "exit");
  return reports;
}
