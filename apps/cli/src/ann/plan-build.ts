import type { AnnBuildGround, AnnBuildResources, AnnIndexShape, AnnSettings } from "@reembed/store";
import { hnswBuildBytes } from "../estimate/sizes.ts";

/** What a person asked for; the rest is chosen. */
export interface AskedBuild {
  kind: AnnSettings["kind"];
  m?: number | undefined;
  efConstruction?: number | undefined;
  lists?: number | undefined;
  memoryBytes?: number | undefined;
}

export interface BuildPlan extends AnnBuildResources {
  shape: AnnIndexShape;
  /** Where `memoryBytes` comes from, for a person. */
  memorySource: string;
  /** What the build would use if it could. */
  neededBytes: number;
}

/** The machine, where the server runs on this one. */
export interface LocalMachine {
  availableBytes: number;
  cores: number;
}

/** pgvector's own defaults. */
const defaults = { m: 16, efConstruction: 64 };
const leastBytes = 64 * 2 ** 20;

/**
 * What to build and with what: as much memory as the graph takes, if there is that much. Of this machine's free memory
 * a build may have half; a server elsewhere tells only its `shared_buffers`, which is a quarter of its memory where
 * somebody has tuned it, so as much again is safe. Half of the cores leave the other half to the searches.
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
  // As pgvector's manual advises: a thousandth up to a million, from there on the square root.
  const advised = vectors <= 1_000_000 ? vectors / 1_000 : Math.sqrt(vectors);
  return { kind, lists: lists ?? Math.max(1, Math.round(advised)) };
}

/** Of hnsw the graph; of ivfflat the sample that k-means runs on, with a bound for each sample and list (ivfkmeans.c). */
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
