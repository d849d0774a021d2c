import type { AnnSettings } from "@reembed/store/schema";
import type { AnnIndex } from "@reembed/store/search";

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
  searchSetting: number;
  recall10: number;
  targetRecall: number;
  reached: boolean;
  sample: number;
  searchMs: number;
  /** Number of vectors that were searched for through the index; a sample if there are more than a million. */
  searched: number;
  /** Whether there are more vectors than were searched for. */
  sampled: boolean;
  /** Chunks whose vectors the index did not find: searches compare these exactly. */
  unreachable: number[];
  /** Further vectors that it did not find, which searches miss. */
  lost: number;
}
