import type { AnnBuildGround } from "@reembed/store/search";
import { expect, test } from "vitest";
import { planBuild } from "./plan-build.ts";

const megabyte = 2 ** 20;
const ground: AnnBuildGround = {
  vectors: 1_000_000,
  host: "db",
  sharedBuffersBytes: 1_024 * megabyte,
  maintenanceWorkMemBytes: 64 * megabyte,
  maxParallelWorkers: 8,
};
const profile = { dimensions: 1_024 };
const machine = { availableBytes: 64_000 * megabyte, cores: 6 };

test("a build gets the memory that its graph needs, up to half of this machine's free memory", () => {
  const roomy = planBuild({ kind: "hnsw" }, profile, ground, machine);
  expect(roomy.neededBytes).toBeGreaterThan(2.8e9);
  expect(roomy).toMatchObject({ memoryBytes: roomy.neededBytes, parallelWorkers: 3 });
  const tight = planBuild({ kind: "hnsw" }, profile, ground, { ...machine, availableBytes: 2_000 * megabyte });
  expect(tight.memoryBytes).toBe(1_000 * megabyte);
});

test("on another host a build gets as much as the server's shared_buffers, or the memory that was given", () => {
  const remote = planBuild({ kind: "hnsw" }, profile, ground, undefined);
  expect(remote).toMatchObject({ memoryBytes: ground.sharedBuffersBytes, parallelWorkers: 4 });
  const told = planBuild({ kind: "hnsw", memoryBytes: 4_000 * megabyte }, profile, ground, undefined);
  expect(told.memoryBytes).toBe(4_000 * megabyte);
});

test("a small index gets no more than it needs, and no parallel worker if the server has none", () => {
  const small = planBuild({ kind: "hnsw" }, profile, { ...ground, vectors: 600, maxParallelWorkers: 0 }, machine);
  expect(small).toMatchObject({ memoryBytes: 64 * megabyte, parallelWorkers: 0 });
});

test("ef_construction is at least 2 * m, as pgvector requires", () => {
  const shapeOf = (m?: number) => planBuild({ kind: "hnsw", m }, profile, ground, machine).shape;
  expect(shapeOf()).toEqual({ kind: "hnsw", m: 16, efConstruction: 64 });
  expect(shapeOf(48)).toEqual({ kind: "hnsw", m: 48, efConstruction: 96 });
});

test("ivfflat has a list per thousand vectors, and above a million the square root of their number", () => {
  const listsOf = (vectors: number) => planBuild({ kind: "ivfflat" }, profile, { ...ground, vectors }, machine).shape;
  expect(listsOf(400)).toEqual({ kind: "ivfflat", lists: 1 });
  expect(listsOf(200_000)).toEqual({ kind: "ivfflat", lists: 200 });
  expect(listsOf(4_000_000)).toEqual({ kind: "ivfflat", lists: 2_000 });
});
