import { availableParallelism } from "node:os";
import { ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { annIndexName, readAnnIndex, readBuildGround, searchSettingName, setAnnSettings } from "@reembed/store/search";
import { describeIncomplete } from "../backfill/incomplete.ts";
import { ensureIndex } from "./build-index.ts";
import type { BuiltIndex } from "./built-index.ts";
import { boundsOf, measureIndex } from "./measure-index.ts";
import { type AskedBuild, describePlan, type LocalMachine, planBuild } from "./plan-build.ts";
import type { ProgressLine } from "./progress.ts";
import { measureReach, servedExactly, widen } from "./reach.ts";

export interface WantedIndex extends AskedBuild {
  targetRecall: number;
  /** Number of vectors to measure the recall with. */
  sample: number;
  /** Builds even if the backfill is not complete. */
  force?: boolean | undefined;
}

/** What is built if nobody asks for anything else. */
export const defaultBuild = { kind: "hnsw", targetRecall: 0.98, sample: 200 } as const;

type Measured = Pick<
  BuiltIndex,
  "searchSetting" | "recall10" | "reached" | "sample" | "searchMs" | "searched" | "sampled" | "unreachable" | "lost"
>;

/** Maximum number of vectors that are searched for by themselves. A million takes one core about twenty minutes. */
const searchedAtMost = 1_000_000;

export interface BuildContext {
  database: Database;
  profile: RegisteredProfile;
  progress: ProgressLine;
  dryRun: boolean;
  /** Ends a build's session at once; the server goes on building. */
  signal?: AbortSignal | undefined;
}

/**
 * Builds the index of a profile, or uses the existing one, and sets the lowest ef_search (or probes) at which searches
 * reach the target recall. If none reaches it, the highest is set. Returns nothing for a dry run.
 * @throws ReembedError `backfill_incomplete` or `index_differs` (exit code 3).
 */
export async function buildAndMeasure(
  wanted: WantedIndex,
  { database, profile, progress, dryRun, signal }: BuildContext,
): Promise<BuiltIndex | undefined> {
  const ground = await readBuildGround(database, profile);
  refuseIncomplete(profile, ground.vectors, wanted.force === true);
  const plan = planBuild(wanted, profile, ground, localMachine(ground.host));
  const startedAt = performance.now();
  const { step, show } = progress;
  const planned = describePlan(profile, plan, ground.vectors);
  const built = await ensureIndex({
    ...{ database, profile, asked: wanted, plan, planned, onStep: step, onProgress: show, signal },
  });
  const buildSeconds = built ? Math.round((performance.now() - startedAt) / 100) / 10 : null;
  if (dryRun) return undefined;

  const measured = await measureAll(wanted, { database, profile, progress, dryRun }, ground.vectors);
  const { options, sizeBytes } = await readAnnIndex(database, profile);
  const { kind, targetRecall } = wanted;
  const { memoryBytes, neededBytes, parallelWorkers } = plan;
  return {
    ...{ profile: profile.name, index: annIndexName(profile), kind, options, vectors: ground.vectors, sizeBytes },
    ...{ built, buildSeconds, memoryBytes, neededBytes, parallelWorkers, targetRecall },
    ...measured,
  };
}

/** Measures the recall and finds lost vectors, and stores what searches need. */
async function measureAll(
  { kind, targetRecall, sample: wanted }: WantedIndex,
  { database, profile, progress: { step, show } }: BuildContext,
  vectors: number,
): Promise<Measured> {
  step(`measuring recall@10 against exact search with ${wanted} of its own vectors`);
  const lists = (await readAnnIndex(database, profile)).options.lists ?? 1;
  const { searchSetting, recall, reached, sample, searchMs } = await measureIndex({
    ...{ database, profile, kind, targetRecall, sample: wanted, lists },
    onPage: (seen) => show({ phase: "exact searches", share: seen / vectors, seconds: null }),
  });
  step("searching for each of its vectors through the index");
  const startedAt = performance.now();
  const task = { database, profile, settings: { kind, searchSetting }, vectors, atMost: searchedAtMost };
  const reach = await measureReach({
    ...task,
    onSearched: (searched) =>
      show({
        phase: "vectors searched for",
        share: searched / Math.min(vectors, searchedAtMost),
        seconds: (performance.now() - startedAt) / 1_000,
      }),
  });
  const wide = await widen(reach, { ...task, most: boundsOf(kind, lists, profile.limit).most });
  const unreachable = wide.unreachable.slice(0, servedExactly);
  await setAnnSettings(database, profile, {
    ...{ kind, searchSetting: wide.searchSetting, recall10: recall, targetRecall, sample, unreachable },
    measuredAt: new Date().toISOString(),
  });
  return {
    ...{
      searchSetting: wide.searchSetting,
      recall10: recall,
      reached,
      sample,
      searchMs: Math.round(100 * searchMs) / 100,
    },
    ...{
      searched: reach.searched,
      sampled: reach.sampled,
      unreachable,
      lost: wide.unreachable.length - unreachable.length,
    },
  };
}

/** The error for more lost vectors than searches can compare exactly. */
export function lostVectors({ profile, kind, searchSetting, lost, unreachable }: BuiltIndex): ReembedError {
  return new ReembedError(
    "vectors_lost",
    `${lost + unreachable.length} vectors of ${profile} are not found through the index even at the highest ${searchSettingName(kind)}, ${searchSetting}. Searches compare ${servedExactly} of them exactly and miss the others.`,
    { exitCode: 3, remedy: "Drop the index and build it with a higher --m and --ef-construction." },
  );
}

/** The error for a target that no search setting reaches. */
export function missedRecall({ profile, kind, searchSetting, recall10, targetRecall }: BuiltIndex): ReembedError {
  const setting = `${searchSettingName(kind)} ${searchSetting}`;
  const better = kind === "hnsw" ? "a higher --m and --ef-construction" : "fewer --lists or --kind hnsw";
  return new ReembedError(
    "recall_missed",
    `The index of ${profile} finds ${recall10.toFixed(4)} of the ten nearest at ${setting}, the highest value; the target is ${targetRecall}.`,
    { exitCode: 3, remedy: `The index is kept. Drop it and build it with ${better}, or set a lower --target-recall.` },
  );
}

function refuseIncomplete(profile: RegisteredProfile, vectors: number, force: boolean): void {
  const { name } = profile;
  if (vectors < 2) {
    throw new ReembedError("nothing_to_index", `${name} has ${vectors} vectors: there is nothing to index.`, {
      exitCode: 3,
      remedy: "Embed its chunks first: `reembed status` shows the progress.",
    });
  }
  if (!force) requireBackfilled(profile);
}

/** @throws ReembedError `backfill_incomplete` (exit code 3). */
export function requireBackfilled(profile: RegisteredProfile): void {
  const incomplete = describeIncomplete(profile);
  if (incomplete === undefined) return;
  throw new ReembedError("backfill_incomplete", incomplete, {
    exitCode: 3,
    remedy:
      "Wait until it is complete, because storing vectors into an existing index is many times slower; or build with --force.",
  });
}

/** @throws ReembedError `index_embedded` (exit code 3). */
export function refuseEmbedded(databaseUrl: string | undefined): void {
  if (databaseUrl !== undefined) return;
  throw new ReembedError("index_embedded", "The embedded database always searches exactly and has no index.", {
    exitCode: 3,
    remedy: "It needs none for up to 20,000 chunks; for more, set DATABASE_URL to a PostgreSQL server.",
  });
}

/** This machine's memory and cores, if the server runs on it. */
export function localMachine(host: string): LocalMachine | undefined {
  if (!/^(localhost|127\..*|::1|\/.*)$/.test(host)) return undefined;
  return { availableBytes: process.availableMemory(), cores: availableParallelism() };
}
