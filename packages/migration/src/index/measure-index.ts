import type { Database } from "@reembed/store/database";
import { sampleVectorIds } from "@reembed/store/embeddings";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { AnnSettings } from "@reembed/store/schema";
import { findExactRadii, measureIndexRecall } from "@reembed/store/search";
import { type FoundSearchSetting, findSearchSetting } from "./find-search-setting.ts";

export interface MeasuredIndex extends FoundSearchSetting {
  /** Number of vectors that were searched with. */
  sample: number;
  /** Mean time of one search with this setting. */
  searchMs: number;
}

export interface MeasureOptions {
  database: Database;
  profile: RegisteredProfile;
  kind: AnnSettings["kind"];
  /** Lists of an ivfflat index: probes cannot be more. */
  lists: number;
  targetRecall: number;
  sample: number;
  /** Receives the number of vectors that the exact searches have read. */
  onPage: (seen: number) => void;
}

/** pgvector's maximum of `hnsw.ef_search`. */
const mostEfSearch = 1_000;
/** pgvector's default. If a sample reaches its recall at 15, it says nothing about vectors that are harder to find. */
const leastEfSearch = 40;
const neighbours = 10;

/**
 * Measures recall@10 of an index against exact search with a random sample of the profile's own vectors (at least two), and
 * finds the lowest setting at which it reaches the target. Each vector is excluded from its own results: it would always
 * be found, which would raise the recall by up to a tenth.
 */
export async function measureIndex(options: MeasureOptions): Promise<MeasuredIndex> {
  const { database, profile, kind, lists, targetRecall, onPage } = options;
  const chunkIds = await sampleVectorIds(database, profile, Math.max(options.sample, neighbours + 1));
  const k = Math.min(neighbours, chunkIds.length - 1);
  const radii = await findExactRadii(database, profile, chunkIds.slice(0, options.sample), { k, onPage });
  const searchMs = new Map<number, number>();
  const found = await findSearchSetting(
    { ...boundsOf(kind, lists, profile.limit), targetRecall },
    async (searchSetting) => {
      const startedAt = performance.now();
      const recall = await measureIndexRecall(database, profile, { kind, searchSetting, k }, radii);
      searchMs.set(searchSetting, (performance.now() - startedAt) / radii.length);
      return floorRecall(recall);
    },
  );
  return { ...found, sample: radii.length, searchMs: searchMs.get(found.searchSetting) ?? Number.NaN };
}

/** Rounded down, so that 1 means that nothing was missed. */
function floorRecall(recall: number): number {
  // Rounded to seven digits first, because 0.9995 may be slightly less in binary.
  return Math.floor(Number((10_000 * recall).toFixed(7))) / 10_000;
}

/** A search returns at most ef_search results, so the lower bound is at least the profile's limit. */
export function boundsOf(kind: AnnSettings["kind"], lists: number, limit: number) {
  if (kind === "ivfflat") return { least: 1, most: lists, start: Math.ceil(Math.sqrt(lists)) };
  const least = Math.max(leastEfSearch, limit);
  return { least, most: mostEfSearch, start: least };
}
