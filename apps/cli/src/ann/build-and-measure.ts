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
import { measureIndex } from "./measure-index.ts";
import { type AskedBuild, type LocalMachine, planBuild } from "./plan-build.ts";
import type { ProgressLine } from "./progress-line.ts";

export interface WantedIndex extends AskedBuild {
  targetRecall: number;
  /** Vectors to measure the recall with. */
  sample: number;
  /** Even before the backfill is complete. */
  force?: boolean | undefined;
}

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

  step(`measuring recall@10 against exact search with ${wanted.sample} of its own vectors`);
  const { kind, targetRecall } = wanted;
  const { options, sizeBytes } = await readAnnIndex(database, profile);
  const { breadth, recall, reached, sample, searchMs } = await measureIndex({
    ...{ database, profile, kind, targetRecall, sample: wanted.sample },
    lists: options.lists ?? 1,
    onPage: (seen) => show({ phase: "exact searches", share: seen / ground.vectors, seconds: null }),
  });
  const measuredAt = new Date().toISOString();
  await setAnnSettings(database, profile, { kind, breadth, recall10: recall, targetRecall, sample, measuredAt });
  const { memoryBytes, neededBytes, parallelWorkers } = plan;
  return {
    ...{ profile: profile.name, index: annIndexName(profile), kind, options, vectors: ground.vectors, sizeBytes },
    ...{ built, buildSeconds, memoryBytes, neededBytes, parallelWorkers },
    ...{ breadth, recall10: recall, targetRecall, reached, sample, searchMs: Math.round(100 * searchMs) / 100 },
  };
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
