import { profiles, ReembedError } from "@reembed/core";
import { openDatabase } from "@reembed/store/database";
import { startNativePostgres } from "@reembed/testing";
import { describeMachine } from "./machine.ts";
import { loadCorpus, readBatches } from "./store/corpus.ts";
import { measureRound, medianOf, type Round } from "./store/measure.ts";
import { report } from "./store/report.ts";
import { describeServer } from "./store/server.ts";
import { guardedWrites, textWrites } from "./store/sides.ts";

const profileName = "bge-m3";
const batch = 64;
const connections = 3;
const rows = 150 * batch;
/** An odd number, so that the median is one of the values. */
const rounds = 7;
/** PostgreSQL's defaults, as in production: a commit waits for the disk. */
const settings = { fsync: "on", full_page_writes: "on" };

try {
  await benchmark();
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}

async function benchmark(): Promise<void> {
  const candidate = profiles.get(profileName);
  if (candidate === undefined) throw new TypeError(`There is no profile ${profileName}`);
  await using scope = new AsyncDisposableStack();
  const { connectionString } = scope.use(await startNativePostgres({ settings }));
  const database = openDatabase({ connectionString, maxConnections: connections });
  scope.defer(() => database.$client.end());

  console.error(`${rounds} rounds of ${rows} rows on each side, after one to warm up: about a minute`);
  const profile = await loadCorpus(database, candidate, rows);
  const batches = await readBatches(database, profile, { chunks: rows, batch });
  const guardedSide = guardedWrites(database, profile, batches);
  const textSide = textWrites(database, profile, batches);
  const guarded: Round[] = [];
  const text: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    guarded.push(await measureRound(database, guardedSide, { rows, connections }));
    text.push(await measureRound(database, textSide, { rows, connections }));
  }
  if (new Set([...guarded, ...text].map((round) => round.digest)).size !== 1) {
    throw new Error("The two sides did not store the same vectors");
  }
  report({
    batch,
    dimensions: profile.dimensions,
    connections,
    rounds,
    guarded: medianOf(guarded.slice(1)),
    text: medianOf(text.slice(1)),
    machine: `${describeMachine()}, ${await describeServer(database)}`,
  });
}
