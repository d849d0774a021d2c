import { type AnnBuildProgress, type AnnIndex, type AnnSettings, breadthSetting } from "@reembed/store";
import { formatBytes, formatCount } from "../output.ts";
import type { BuildPlan } from "./plan-build.ts";
import { describeProgress } from "./progress-line.ts";

/** What `reembed index build --json` prints. */
export interface BuiltIndex {
  profile: string;
  index: string;
  kind: AnnSettings["kind"];
  options: AnnIndex["options"];
  vectors: number;
  sizeBytes: number;
  /** False where a valid index was there and only its recall was measured. */
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
  const slower = shape.kind === "hnsw" ? "the build slows down when that is full" : "PostgreSQL may refuse the build";
  return `${planned}\nit would take ${formatBytes(neededBytes)} (${memorySource}): ${slower}; --memory gives more`;
}

export function describeBuilt(built: BuiltIndex): string {
  const { kind, vectors, sizeBytes, buildSeconds, sample, searchMs, breadth, recall10 } = built;
  const setting = breadthSetting(kind);
  const made = buildSeconds === null ? "is there already" : `was built in ${buildSeconds} s`;
  return [
    `${built.index} ${made}: ${kind}, ${formatCount(vectors)} vectors, ${formatBytes(sizeBytes)}`,
    `recall@10 ${recall10.toFixed(4)} at ${setting} ${breadth}, by ${formatCount(sample)} of its own vectors, each searched without itself`,
    `a search takes ${searchMs.toFixed(1)} ms`,
  ].join("\n");
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
    ...(building === null ? [] : [`a build is under way: ${describeProgress(building)}`]),
    ...(measured === null
      ? valid
        ? ["its recall was not measured, so searches are exact: run `reembed index build` again"]
        : []
      : [
          `recall@10 ${measured.recall10.toFixed(4)} at ${breadthSetting(measured.kind)} ${measured.breadth}, measured ${measured.measuredAt}`,
        ]),
  ].join("\n");
}
