import {
  type AnnSettings,
  type Database,
  findExactRadii,
  measureIndexRecall,
  type RegisteredProfile,
  sampleVectorIds,
} from "@reembed/store";
import { type FoundBreadth, findBreadth } from "./find-breadth.ts";

export interface MeasuredIndex extends FoundBreadth {
  /** Vectors that were searched with. */
  sample: number;
  /** Of one search at this breadth, on average. */
  searchMs: number;
}

export interface MeasureOptions {
  database: Database;
  profile: RegisteredProfile;
  kind: AnnSettings["kind"];
  /** Of an ivfflat index: more lists than there are cannot be looked at. */
  lists: number;
  targetRecall: number;
  sample: number;
  /** Told how many vectors the exact searches have looked at. */
  onPage: (seen: number) => void;
}

/** pgvector's greatest `hnsw.ef_search`. */
const mostEfSearch = 1_000;
/** Its default. A sample whose recall is enough at 15 says nothing of the vectors that are hard to find. */
const leastEfSearch = 40;
const neighbours = 10;

/**
 * Measures recall@10 of an index against exact search with a random sample of the profile's own vectors, of which there
 * are two at least, and finds the least breadth at which it reaches the target. A vector is searched without itself: it
 * would be found at any breadth, and flatter the recall by up to a tenth.
 */
export async function measureIndex(options: MeasureOptions): Promise<MeasuredIndex> {
  const { database, profile, kind, lists, targetRecall, onPage } = options;
  const chunkIds = await sampleVectorIds(database, profile, Math.max(options.sample, neighbours + 1));
  const k = Math.min(neighbours, chunkIds.length - 1);
  const radii = await findExactRadii(database, profile, chunkIds.slice(0, options.sample), { k, onPage });
  const searchMs = new Map<number, number>();
  const found = await findBreadth({ ...boundsOf(kind, lists, profile.limit), targetRecall }, async (breadth) => {
    const startedAt = performance.now();
    const recall = await measureIndexRecall(database, profile, { kind, breadth, k }, radii);
    searchMs.set(breadth, (performance.now() - startedAt) / radii.length);
    return floorRecall(recall);
  });
  return { ...found, sample: radii.length, searchMs: searchMs.get(found.breadth) ?? Number.NaN };
}

/** Rounded down: 1 means that nothing was missed. */
function floorRecall(recall: number): number {
  // Seven digits first, because 0.9995 may be a little less than that in binary.
  return Math.floor(Number((10_000 * recall).toFixed(7))) / 10_000;
}

/** A search finds no more than its breadth: so that is no less than the profile's limit. */
export function boundsOf(kind: AnnSettings["kind"], lists: number, limit: number) {
  if (kind === "ivfflat") return { least: 1, most: lists, start: Math.ceil(Math.sqrt(lists)) };
  const least = Math.max(leastEfSearch, limit);
  return { least, most: mostEfSearch, start: least };
}
