import { availableParallelism } from "node:os";
import { ReembedError } from "@reembed/core";
import {
  annIndexName,
  breadthSetting,
  type Database,
  type RegisteredProfile,
  readAnnIndex,
  readBuildGround,
  setAnnSettings,
} from "@reembed/store";
import { ensureIndex } from "./build-index.ts";
import { type BuiltIndex, describePlan } from "./describe-index.ts";
import { boundsOf, measureIndex } from "./measure-index.ts";
import { type AskedBuild, type LocalMachine, planBuild } from "./plan-build.ts";
import type { ProgressLine } from "./progress-line.ts";
import { measureReach, servedExactly, widen } from "./reach.ts";

export interface WantedIndex extends AskedBuild {
  targetRecall: number;
  /** Vectors to measure the recall with. */
  sample: number;
  /** Even before the backfill is complete. */
  force?: boolean | undefined;
}

type Measured = Pick<
  BuiltIndex,
  "breadth" | "recall10" | "reached" | "sample" | "searchMs" | "looked" | "lookedAtAll" | "unreachable" | "lost"
>;

/** Vectors that look for themselves; of more, a sample of as many. A million takes a core some twenty minutes. */
const lookingAtMost = 1_000_000;

export interface BuildContext {
  database: Database;
  profile: RegisteredProfile;
  progress: ProgressLine;
  dryRun: boolean;
}

/**
 * Builds the index of a profile, or finds it there, and sets how widely searches look into it: the least breadth that
 * reaches the target. Where none does, the greatest is set. Returns nothing from a dry run.
 * @throws ReembedError `backfill_incomplete` or `index_differs` (exit code 3).
 */
export async function buildAndMeasure(
  wanted: WantedIndex,
  { database, profile, progress, dryRun }: BuildContext,
): Promise<BuiltIndex | undefined> {
  const ground = await readBuildGround(database, profile);
  refuseIncomplete(profile, ground.vectors, wanted.force === true);
  const plan = planBuild(wanted, profile, ground, localMachine(ground.host));
  const startedAt = performance.now();
  const { step, show } = progress;
  const planned = describePlan(profile, plan, ground.vectors);
  const built = await ensureIndex({ database, profile, asked: wanted, plan, planned, onStep: step, onProgress: show });
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

/** Measures recall and reach, and sets what searches go by. */
async function measureAll(
  { kind, targetRecall, sample: wanted }: WantedIndex,
  { database, profile, progress: { step, show } }: BuildContext,
  vectors: number,
): Promise<Measured> {
  step(`measuring recall@10 against exact search with ${wanted} of its own vectors`);
  const lists = (await readAnnIndex(database, profile)).options.lists ?? 1;
  const { breadth, recall, reached, sample, searchMs } = await measureIndex({
    ...{ database, profile, kind, targetRecall, sample: wanted, lists },
    onPage: (seen) => show({ phase: "exact searches", share: seen / vectors, seconds: null }),
  });
  step("having its vectors look for themselves");
  const startedAt = performance.now();
  const task = { database, profile, settings: { kind, breadth }, vectors, atMost: lookingAtMost };
  const reach = await measureReach({
    ...task,
    onLooked: (looked) =>
      show({
        phase: "vectors that look for themselves",
        share: looked / Math.min(vectors, lookingAtMost),
        seconds: (performance.now() - startedAt) / 1_000,
      }),
  });
  const wide = await widen(reach, { ...task, most: boundsOf(kind, lists, profile.limit).most });
  const unreachable = wide.unreachable.slice(0, servedExactly);
  await setAnnSettings(database, profile, {
    ...{ kind, breadth: wide.breadth, recall10: recall, targetRecall, sample, unreachable },
    measuredAt: new Date().toISOString(),
  });
  return {
    ...{ breadth: wide.breadth, recall10: recall, reached, sample, searchMs: Math.round(100 * searchMs) / 100 },
    ...{
      looked: reach.looked,
      lookedAtAll: !reach.sampled,
      unreachable,
      lost: wide.unreachable.length - unreachable.length,
    },
  };
}

/** Says that vectors are lost, more than searches can look at exactly. */
export function lostVectors({ profile, kind, breadth, lost, unreachable }: BuiltIndex): ReembedError {
  return new ReembedError(
    "vectors_lost",
    `${lost + unreachable.length} vectors of ${profile} do not find themselves at ${breadthSetting(kind)} ${breadth}, the highest; searches look at ${servedExactly} of them exactly, and do not find the others.`,
    { exitCode: 3, remedy: "Drop the index and build it with a higher --m and --ef-construction." },
  );
}

/** Says that no breadth of search reaches the target. */
export function missedRecall({ profile, kind, breadth, recall10, targetRecall }: BuiltIndex): ReembedError {
  const setting = `${breadthSetting(kind)} ${breadth}`;
  const better = kind === "hnsw" ? "a higher --m and --ef-construction" : "fewer --lists or --kind hnsw";
  return new ReembedError(
    "recall_missed",
    `The index of ${profile} finds ${recall10.toFixed(4)} of the ten nearest at ${setting}, the highest, and not ${targetRecall}.`,
    { exitCode: 3, remedy: `It is kept. Drop it and build with ${better}, or set a lower --target-recall.` },
  );
}

function refuseIncomplete({ name, state }: RegisteredProfile, vectors: number, force: boolean): void {
  if (vectors < 2) {
    throw new ReembedError("nothing_to_index", `${name} has ${vectors} vectors: there is nothing to index.`, {
      exitCode: 3,
      remedy: "Embed it first: `reembed status` tells how far it is.",
    });
  }
  if (state === "backfilled" || force) return;
  throw new ReembedError("backfill_incomplete", `The backfill of ${name} is not complete: it is ${state}.`, {
    exitCode: 3,
    remedy: "A vector that is stored into an index costs many times as much: wait for it, or give --force.",
  });
}

/** Where the server runs on this machine, its memory is known. */
export function localMachine(host: string): LocalMachine | undefined {
  if (!/^(localhost|127\..*|::1|\/.*)$/.test(host)) return undefined;
  return { availableBytes: process.availableMemory(), cores: availableParallelism() };
}
