import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { startNativePostgres } from "@reembed/testing";
import { Command } from "commander";
import type { SequencesOptions, SequencesReport } from "./run-sequences.ts";

// Many short sequences on a real PostgreSQL, half of them on each of two threads: see ARCHITECTURE.md, Tests.
const { runs, seed, events, path, replayPath } = new Command("simulate")
  .description("producer, workers and operators under events in an order that fast-check chooses")
  .option("--runs <n>", "sequences of events", Number, 2_000)
  .option("--events <n>", "events of a sequence at most", Number, 60)
  .option("--seed <n>", "to repeat a run", Number, Date.now() % 1_000_000)
  .option("--path <path>", "to repeat one sequence, as its failure printed it")
  .option("--replay-path <path>", "likewise")
  .parse()
  .opts<SequencesOptions>();
if (![runs, seed, events].every((number) => Number.isInteger(number) && number > 0)) {
  throw new RangeError("--runs, --events and --seed take whole numbers above 0");
}

/** Nothing here needs to outlive the server, and nobody waits for a vacuum but the sequences. */
const settings = { synchronous_commit: "off", autovacuum: "off", jit: "off" };
const startedAt = performance.now();
await using postgres = await startNativePostgres({ settings });
const threads = path === undefined ? Math.min(4, Math.max(2, availableParallelism()), runs) : 1;
const reports = await Promise.all(
  Array.from({ length: threads }, (_, index) => {
    const share = { events, path, replayPath, runs: Math.ceil(runs / threads), seed: seed + index };
    return runThread({ connectionString: postgres.connectionString, options: share });
  }),
);

const happened: Record<string, number> = {};
for (const report of reports) {
  for (const [event, times] of Object.entries(report.events)) happened[event] = (happened[event] ?? 0) + times;
}
for (const { failure } of reports) {
  if (failure === null) continue;
  console.error(`${failure.message}\n\nThe shortest way there:\n  ${failure.events.join("\n  ")}\n`);
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

async function runThread(workerData: { connectionString: string; options: SequencesOptions }) {
  const thread = new Worker(new URL("./simulation-thread.ts", import.meta.url), { workerData });
  const [report] = (await once(thread, "message")) as [SequencesReport];
  await once(thread, "exit");
  return report;
}
