import type { BuiltIndex } from "@reembed/migration/index";
import { expect, test } from "vitest";
import { describeBuilt } from "./describe-index.ts";

const built: BuiltIndex = {
  ...{ profile: "m3", index: "chunk_embeddings_m3_ann", kind: "hnsw", options: {}, vectors: 600, sizeBytes: 5e6 },
  ...{ built: true, buildSeconds: 1.5, memoryBytes: 1e8, neededBytes: 1e8, parallelWorkers: 0, searchSetting: 40 },
  ...{ recall10: 0.9912, targetRecall: 0.98, reached: true, sample: 20, searchMs: 1.25 },
  ...{ searched: 600, sampled: false, unreachable: [], lost: 0 },
};
const reachOf = (changed: Partial<BuiltIndex>) =>
  describeBuilt({ ...built, ...changed })
    .split("\n")
    .at(-1);

test("an index is told with its recall, at which setting that was measured, and how long a search takes", () => {
  expect(describeBuilt(built)).toBe(
    [
      "chunk_embeddings_m3_ann was built in 1.5 s: hnsw, 600 vectors, 5.0 MB",
      "recall@10 0.9912 at hnsw.ef_search 40, measured with 20 of its own vectors, each one excluded from its own results",
      "a search takes 1.3 ms",
      "each of 600 vectors is found through the index",
    ].join("\n"),
  );
});

test("vectors that the index does not find are told by their chunks", () => {
  expect(reachOf({ unreachable: [7] })).toBe(
    "of each of 600 vectors, one is not found through the index, that of chunk 7: searches compare it exactly",
  );
  expect(reachOf({ unreachable: [7, 12] })).toMatch(
    /2 are not found through the index, those of chunks 7, 12: searches compare/,
  );
  expect(reachOf({ unreachable: Array.from({ length: 11 }, (_, id) => id) })).toMatch(
    /^of .* 8, 9 …: searches compare/,
  );
});
