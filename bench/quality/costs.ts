import type { ScoredChunk } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { searchExactly } from "@reembed/store/search";
import type { Side } from "./side.ts";

/** An odd number, so that the median is one of the values. */
const rounds = 3;
/** A round that takes longer is not repeated: with the real models it takes minutes. */
const repeatedSeconds = 30;

export interface EmbeddingCost {
  /** Time to tokenise and embed every chunk of the corpus, without storing anything: the median of the rounds. */
  seconds: number;
  rounds: number;
  tokens: number;
  /** Tokens beyond the model's limit, which it does not read. */
  truncatedTokens: number;
  peakMemoryMiB: number | undefined;
}

/** Embeds the corpus with the sides in turn, so that other load affects both, and stores the vectors. */
export async function embedCorpus(database: Database, sides: readonly Side[]): Promise<EmbeddingCost[]> {
  const seconds: number[][] = sides.map(() => []);
  const tokens: { tokens: number; truncatedTokens: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [index, side] of inTurn(sides, round)) {
      const startedAt = performance.now();
      const embedded = await side.embedChunks();
      seconds[index]?.push((performance.now() - startedAt) / 1_000);
      if (round > 0) continue;
      await side.store(database, embedded);
      tokens[index] = {
        tokens: embedded.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
        truncatedTokens: embedded.reduce((sum, { truncatedTokens }) => sum + truncatedTokens, 0),
      };
    }
    if (Math.max(...seconds.flat()) > repeatedSeconds) break;
  }
  return sides.map((side, index) => ({
    seconds: quantile(seconds[index] ?? [], 0.5),
    rounds: seconds[index]?.length ?? 0,
    tokens: tokens[index]?.tokens ?? 0,
    truncatedTokens: tokens[index]?.truncatedTokens ?? 0,
    peakMemoryMiB: side.peakMemoryMiB(),
  }));
}

export interface Percentiles {
  p50: number;
  p95: number;
}

export interface SideSearches {
  /** The profile's limit of results for each query, whatever their scores. */
  rankings: ScoredChunk[][];
  /** Milliseconds of an exact search with the profile's limit and threshold, without embedding the query. */
  searchMs: Percentiles;
  /** Milliseconds to embed a single query. */
  queryEmbeddingMs: Percentiles;
}

/** Searches for every query with the sides in turn: first to warm up and for the rankings, then with timing. */
export async function searchQueries(
  database: Database,
  sides: readonly Side[],
  queries: readonly { text: string }[],
): Promise<SideSearches[]> {
  const times = sides.map(() => ({ embedding: [] as number[], search: [] as number[] }));
  const rankings: ScoredChunk[][][] = sides.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const { text } of queries) {
      for (const [index, side] of inTurn(sides, round)) {
        const { limit, threshold } = side.profile;
        const startedAt = performance.now();
        const vector = await side.embedQuery(text);
        const embeddedAt = performance.now();
        const found = await searchExactly(database, side.registered, vector, {
          limit,
          threshold: round === 0 ? undefined : threshold,
        });
        const endedAt = performance.now();
        if (round === 0) {
          rankings[index]?.push(found.map(({ uri, start, end, score }) => ({ document: uri, start, end, score })));
        } else {
          times[index]?.embedding.push(embeddedAt - startedAt);
          times[index]?.search.push(endedAt - embeddedAt);
        }
      }
    }
  }
  return sides.map((_, index) => ({
    rankings: rankings[index] ?? [],
    searchMs: percentiles(times[index]?.search ?? []),
    queryEmbeddingMs: percentiles(times[index]?.embedding ?? []),
  }));
}

/** The sides, in reverse order in every second round, so that neither is always the first. */
function inTurn(sides: readonly Side[], round: number): [number, Side][] {
  const turn = [...sides.entries()];
  return round % 2 === 0 ? turn : turn.reverse();
}

function percentiles(values: readonly number[]): Percentiles {
  return { p50: quantile(values, 0.5), p95: quantile(values, 0.95) };
}

/** The quantile by nearest rank. */
function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;
}
