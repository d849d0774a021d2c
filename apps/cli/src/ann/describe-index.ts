import { type AnnBuildProgress, type AnnIndex, type AnnSettings, breadthSetting } from "@reembed/store";
import { formatBytes, formatCount } from "../output.ts";
import type { BuildPlan } from "./plan-build.ts";
import { describeProgress } from "./progress-line.ts";

/** The output of `reembed index build --json`. */
export interface BuiltIndex {
  profile: string;
  index: string;
  kind: AnnSettings["kind"];
  options: AnnIndex["options"];
  vectors: number;
  sizeBytes: number;
  /** False if a valid index existed and was only measured. */
  built: boolean;
  buildSeconds: number | null;
  memoryBytes: number;
  neededBytes: number;
  parallelWorkers: number;
  breadth: number;
  recall10: number;
  targetRecall: number;
  reached: boolean;
  sample: number;
  searchMs: number;
  /** Number of vectors that were searched for by themselves; a sample if there are more than a million. */
  looked: number;
  lookedAtAll: boolean;
  /** Chunks whose vectors the index did not find: searches compare these exactly. */
  unreachable: number[];
  /** Further vectors that it did not find, which searches miss. */
  lost: number;
}

export interface IndexStatus extends Omit<AnnIndex, "building"> {
  profile: string;
  index: string;
  building: (AnnBuildProgress & { etaSeconds: number | null }) | null;
  measured: AnnSettings | null;
}

export function describePlan({ name }: { name: string }, plan: BuildPlan, vectors: number): string {
  const { shape, memoryBytes, memorySource, neededBytes, parallelWorkers } = plan;
  const shaped =
    shape.kind === "hnsw" ? `m ${shape.m}, ef_construction ${shape.efConstruction}` : `${shape.lists} lists`;
  const workers = `${parallelWorkers} parallel ${parallelWorkers === 1 ? "worker" : "workers"}`;
  const planned = `${shape.kind} index of ${formatCount(vectors)} vectors of ${name}: ${shaped}, ${formatBytes(memoryBytes)} of memory, ${workers}`;
  if (memoryBytes >= neededBytes) return planned;
  const slower = shape.kind === "hnsw" ? "the build becomes slower when it is full" : "PostgreSQL may refuse the build";
  return `${planned}\nit needs ${formatBytes(neededBytes)}, and gets ${memorySource}: ${slower}; set --memory to give it more`;
}

export function describeBuilt(built: BuiltIndex): string {
  const { kind, vectors, sizeBytes, buildSeconds, sample, searchMs, breadth, recall10 } = built;
  const setting = breadthSetting(kind);
  const made = buildSeconds === null ? "already exists" : `was built in ${buildSeconds} s`;
  return [
    `${built.index} ${made}: ${kind}, ${formatCount(vectors)} vectors, ${formatBytes(sizeBytes)}`,
    `recall@10 ${recall10.toFixed(4)} at ${setting} ${breadth}, measured with ${formatCount(sample)} of its own vectors, each one excluded from its own results`,
    `a search takes ${searchMs.toFixed(1)} ms`,
    describeReach(built),
  ].join("\n");
}

const shownIds = 10;

function describeReach({ looked, lookedAtAll, unreachable, vectors }: BuiltIndex): string {
  const of = lookedAtAll
    ? `each of ${formatCount(looked)} vectors`
    : `${formatCount(looked)} of ${formatCount(vectors)} vectors`;
  if (unreachable.length === 0) return `${of} is found through the index`;
  return `of ${of}, ${describeUnreachable(unreachable)}`;
}

/** `2 are not found through the index, those of chunks 7 and 12: searches compare them exactly`. */
function describeUnreachable(chunkIds: readonly number[]): string {
  const [one] = chunkIds;
  if (chunkIds.length === 1)
    return `one is not found through the index, that of chunk ${one}: searches compare it exactly`;
  const more = chunkIds.length > shownIds ? " …" : "";
  return `${formatCount(chunkIds.length)} are not found through the index, those of chunks ${chunkIds.slice(0, shownIds).join(", ")}${more}: searches compare them exactly`;
}

export function describeStatus({
  profile,
  index,
  exists,
  valid,
  kind,
  options,
  sizeBytes,
  building,
  measured,
}: IndexStatus): string {
  const has = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  const state = valid
    ? `${index}: ${[kind, ...has, formatBytes(sizeBytes)].join(", ")}`
    : exists && building === null
      ? `${index} is invalid: its build was interrupted. Run \`reembed index build\` again.`
      : `${profile} has no index: searches are exact`;
  return [
    state,
    ...(building === null ? [] : [`a build is running: ${describeProgress(building)}`]),
    ...(measured === null
      ? valid
        ? ["its recall was not measured, so searches are exact: run `reembed index build` again"]
        : []
      : [
          `recall@10 ${measured.recall10.toFixed(4)} at ${breadthSetting(measured.kind)} ${measured.breadth}, measured ${measured.measuredAt}`,
          ...(measured.unreachable?.length ? [describeUnreachable(measured.unreachable)] : []),
        ]),
  ].join("\n");
}
