import { formatBytes, formatCount } from "@reembed/core";
import type { AnnSettings } from "@reembed/store/schema";
import type { AnnBuildGround, AnnBuildResources, AnnIndexShape } from "@reembed/store/search";
import { hnswBuildBytes } from "../estimate/sizes.ts";

/** The operator's choices; the rest is chosen automatically. */
export interface AskedBuild {
  kind: AnnSettings["kind"];
  m?: number | undefined;
  efConstruction?: number | undefined;
  lists?: number | undefined;
  memoryBytes?: number | undefined;
}

export interface BuildPlan extends AnnBuildResources {
  shape: AnnIndexShape;
  /** Where `memoryBytes` comes from, for messages. */
  memorySource: string;
  /** The memory that the build could use. */
  neededBytes: number;
}

/** This machine, if the server runs on it. */
export interface LocalMachine {
  availableBytes: number;
  cores: number;
}

/** pgvector's own defaults. */
const defaults = { m: 16, efConstruction: 64 };
const leastBytes = 64 * 2 ** 20;

/**
 * Plans a build: the index's shape, its memory and its workers. It gets the memory that the graph needs, up to a limit: half
 * of this machine's free memory or, for a server on another host, as much as `shared_buffers`. A tuned server gives that a
 * quarter of its memory, so as much again is safe. It uses half of the cores, which leaves the others for searches.
 */
export function planBuild(
  asked: AskedBuild,
  { dimensions }: { dimensions: number },
  ground: AnnBuildGround,
  local: LocalMachine | undefined,
): BuildPlan {
  const shape = shapeOf(asked, ground.vectors);
  const neededBytes = Math.max(leastBytes, Math.round(1.1 * bytesOf(shape, ground.vectors, dimensions)));
  const { bytes, source } = memoryAtHand(asked, ground, local);
  const cores = local?.cores ?? ground.maxParallelWorkers;
  return {
    shape,
    memoryBytes: asked.memoryBytes ?? Math.min(bytes, neededBytes),
    memorySource: source,
    neededBytes,
    parallelWorkers: Math.min(ground.maxParallelWorkers, Math.max(1, Math.floor(cores / 2))),
  };
}

function shapeOf({ kind, m, efConstruction, lists }: AskedBuild, vectors: number): AnnIndexShape {
  if (kind === "hnsw") {
    const links = m ?? defaults.m;
    return { kind, m: links, efConstruction: efConstruction ?? Math.max(defaults.efConstruction, 2 * links) };
  }
  // pgvector's manual recommends a thousandth up to a million vectors, and the square root above.
  const advised = vectors <= 1_000_000 ? vectors / 1_000 : Math.sqrt(vectors);
  return { kind, lists: lists ?? Math.max(1, Math.round(advised)) };
}

/** For hnsw the graph; for ivfflat the sample for k-means, with a bound per sample and list (ivfkmeans.c). */
function bytesOf(shape: AnnIndexShape, vectors: number, dimensions: number): number {
  if (shape.kind === "hnsw")
    return hnswBuildBytes(vectors, dimensions) + vectors * 32 * Math.max(0, shape.m - defaults.m);
  const { lists } = shape;
  const samples = Math.min(vectors, Math.max(10_000, 50 * lists));
  return (samples + 2 * lists) * 4 * dimensions + samples * lists * 4 + lists * lists * 4;
}

function memoryAtHand(
  { memoryBytes }: AskedBuild,
  { sharedBuffersBytes, maintenanceWorkMemBytes }: AnnBuildGround,
  local: LocalMachine | undefined,
): { bytes: number; source: string } {
  if (memoryBytes !== undefined) return { bytes: memoryBytes, source: "--memory" };
  if (local !== undefined) {
    return {
      bytes: Math.max(leastBytes, local.availableBytes / 2),
      source: "at most half of this machine's free memory",
    };
  }
  return sharedBuffersBytes > maintenanceWorkMemBytes
    ? { bytes: sharedBuffersBytes, source: "at most as much as the server's shared_buffers" }
    : { bytes: maintenanceWorkMemBytes, source: "at most the server's own maintenance_work_mem" };
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
