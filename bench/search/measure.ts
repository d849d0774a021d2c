import { rolloutBuckets, servingProfile } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { rolloutBucket } from "@reembed/store/rollout";
import { createAnnIndex, openSession, searchExactly, searchProfile, setAnnSettings } from "@reembed/store/search";
import { readBackfillIds } from "@reembed/testing";
import { roundTo } from "../embed/figures.ts";
import { fillCorpus } from "../fleet/corpus.ts";
import { ProducerProcess, type Servers, WorkerProcesses } from "../fleet/processes.ts";
import { Clusters } from "./clusters.ts";

const batchSize = 256;
const limit = 15;
const k = 10;
const searches = 400;
const exactSearches = 40;
const breadths = [40, 80, 160, 320];
const choices = 200_000;

export interface Latency {
  p50: number;
  p95: number;
  p99: number;
}

interface BreadthFigures {
  efSearch: number;
  /** Mean share of the ten nearest that were found. */
  recall10: number;
  /** Milliseconds of sequential searches, alone and during a backfill. */
  quiet: Latency;
  backfilling: Latency;
}

export interface SearchFigures {
  chunks: number;
  dimensions: number;
  indexSeconds: number;
  exactMs: number;
  breadths: BreadthFigures[];
  /** Chunks per second of the backfill during the searches. */
  backfillRate: number;
  /** Microseconds to choose a subject's profile. */
  routerMicroseconds: number;
}

export async function measureSearch(
  database: Database,
  servers: Servers,
  chunks: number,
  say: (line: string) => void,
): Promise<SearchFigures> {
  say(`Storing ${chunks} clustered vectors`);
  const { bare } = await fillCorpus(database, chunks, () => {});
  const clusters = new Clusters(bare.dimensions);
  await storeVectors(database, bare, clusters);
  say("Building the HNSW index");
  const indexSeconds = await buildIndex(database, bare);

  say(`${exactSearches} exact searches`);
  const queries = Array.from({ length: searches }, () => clusters.draw());
  const truth: number[][] = [];
  const exactSince = performance.now();
  for (const query of queries.slice(0, exactSearches)) {
    truth.push((await searchExactly(database, bare, query, { limit: k })).map(({ chunkId }) => chunkId));
  }
  const exactMs = (performance.now() - exactSince) / exactSearches;

  const quiet = await measureBreadths(database, bare, queries, truth);
  say("The same searches during a backfill");
  await using _producer = new ProducerProcess(servers);
  await using workers = new WorkerProcesses(servers, 1);
  while (workers.done === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const [before, since] = [workers.done, performance.now()];
  const beside = await measureBreadths(database, bare, queries, truth);
  const backfillRate = (1_000 * (workers.done - before)) / (performance.now() - since);
  return {
    chunks,
    dimensions: bare.dimensions,
    indexSeconds: roundTo(indexSeconds, 0),
    exactMs: roundTo(exactMs, 1),
    breadths: quiet.map(({ efSearch, recall10, latency }, index) => ({
      efSearch,
      recall10,
      quiet: latency,
      backfilling: beside[index]?.latency ?? latency,
    })),
    backfillRate: roundTo(backfillRate, 0),
    routerMicroseconds: roundTo(measureRouter(), 2),
  };
}

async function storeVectors(database: Database, profile: RegisteredProfile, clusters: Clusters): Promise<void> {
  await startBackfill(database, profile);
  const begun = await readProfile(database, profile.name);
  const ids = await readBackfillIds(database, begun, Number.MAX_SAFE_INTEGER);
  for (let start = 0; start < ids.length; start += batchSize) {
    const pending = await readPendingChunks(database, begun, ids.slice(start, start + batchSize));
    const embedded = pending.map(({ id, contentHash }) => ({
      ...{ chunkId: id, contentHash, vector: clusters.draw() },
      ...{ tokenCount: 15, truncatedTokens: 0 },
    }));
    await upsertEmbeddings(database, begun, embedded);
  }
}

async function buildIndex(database: Database, profile: RegisteredProfile): Promise<number> {
  await using session = await openSession(database);
  const startedAt = performance.now();
  const resources = { memoryBytes: 2 ** 30, parallelWorkers: 1 };
  await createAnnIndex(session, profile, { kind: "hnsw", m: 16, efConstruction: 64 }, resources);
  await database.$client.query("vacuum analyze");
  return (performance.now() - startedAt) / 1_000;
}

async function measureBreadths(
  database: Database,
  { name }: RegisteredProfile,
  queries: readonly Float32Array[],
  truth: readonly (readonly number[])[],
): Promise<{ efSearch: number; recall10: number; latency: Latency }[]> {
  const measured = [];
  for (const efSearch of breadths) {
    const measuredAt = new Date().toISOString();
    const settings = {
      kind: "hnsw",
      searchSetting: efSearch,
      recall10: 0,
      targetRecall: 0,
      sample: 0,
      measuredAt,
    } as const;
    await setAnnSettings(database, { name }, settings);
    const profile = await readProfile(database, name);
    let found = 0;
    const took: number[] = [];
    for (const [index, query] of queries.entries()) {
      const startedAt = performance.now();
      const results = await searchProfile(database, profile, query, { limit });
      took.push(performance.now() - startedAt);
      const nearest = new Set(results.slice(0, k).map(({ chunkId }) => chunkId));
      found += truth[index]?.filter((id) => nearest.has(id)).length ?? 0;
    }
    measured.push({ efSearch, recall10: roundTo(found / (k * truth.length), 3), latency: percentiles(took) });
  }
  return measured;
}

function percentiles(took: readonly number[]): Latency {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number) => roundTo(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN, 2);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function measureRouter(): number {
  const rollout = {
    baseline: "a",
    candidate: "b",
    stage: "canary",
    percent: 50,
    shadowPercent: 0,
    salt: "s",
    version: 1,
  } as const;
  let candidates = 0;
  const startedAt = performance.now();
  for (let subject = 0; subject < choices; subject++) {
    if (servingProfile(rollout, rolloutBucket(`user-${subject}`, rollout.salt) % rolloutBuckets) === "b") candidates++;
  }
  const microseconds = (1_000 * (performance.now() - startedAt)) / choices;
  if (Math.abs(candidates / choices - 0.5) > 0.01) throw new Error(`${candidates} of ${choices} went to the candidate`);
  return microseconds;
}
