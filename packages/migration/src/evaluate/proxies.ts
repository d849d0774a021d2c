import { embedTexts } from "@reembed/retrieval";
import { compareMeasures, type Interval, summarizeMeasures } from "@reembed/retrieval/measures";
import { sampleChunks } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { type Quotation, readDocumentIds, readHolders } from "@reembed/store/evaluation";
import { searchExactly } from "@reembed/store/search";
import { type Contender, embedQueries, type Progress } from "./contender.ts";
import { dot } from "./memory-corpus.ts";
import { takeSentence, withoutSentence } from "./proxy-query.ts";
import { spread } from "./spread.ts";

/** Chunks drawn per query, because some have no sentence that can serve as one. */
const drawnPerQuery = 2;
const k = 10;

/** Measures of one query: whether its chunk is among the first ten, and 1 / its rank there. */
type ProxyMeasures = Record<"hit10" | "mrr10", number>;

/** How well sentences find the chunks that they were taken from. */
export interface ProxyQuality {
  queries: number;
  baseline: Record<keyof ProxyMeasures, Interval>;
  candidate: Record<keyof ProxyMeasures, Interval>;
  difference: Record<keyof ProxyMeasures, Interval>;
}

/** A sentence, and for each side the rest of the chunk that it was taken from. */
interface ProxyQuery {
  sentence: string;
  baseline: ProxyTarget;
  candidate: ProxyTarget;
}

interface ProxyTarget {
  rest: string;
  /** All chunks of the document that contain the sentence, also by overlap: none of them counts as another chunk. */
  holders: ReadonlySet<number>;
}

/**
 * Takes sentences from random chunks and searches with each for the rest of its chunk, among all others. The same author
 * wrote both in the same words, so this ranks models but favours those that match words. Null if the corpus has no such
 * sentences.
 */
export async function measureProxies(
  database: Database,
  { baseline, candidate }: { baseline: Contender; candidate: Contender },
  { most, progress }: { most: number; progress: Progress },
): Promise<ProxyQuality | null> {
  const queries = await drawQueries(database, { baseline, candidate }, most);
  if (queries.length === 0) return null;
  const before = await measureSide(
    database,
    baseline,
    queries.map(({ sentence, baseline: target }) => ({ sentence, target })),
    progress,
  );
  const after = await measureSide(
    database,
    candidate,
    queries.map(({ sentence, candidate: target }) => ({ sentence, target })),
    progress,
  );
  return {
    queries: queries.length,
    baseline: summarizeMeasures(before),
    candidate: summarizeMeasures(after),
    difference: compareMeasures(before, after),
  };
}

async function drawQueries(
  database: Database,
  { baseline, candidate }: { baseline: Contender; candidate: Contender },
  most: number,
): Promise<ProxyQuery[]> {
  const drawn = await sampleChunks(database, baseline.profile, drawnPerQuery * most);
  const documents = await readDocumentIds(
    database,
    baseline.profile,
    drawn.map(({ id }) => id),
  );
  const quotations = drawn.flatMap(({ id, content }): Quotation[] => {
    const [documentId, text] = [documents.get(id), takeSentence(content)];
    return documentId === undefined || text === undefined ? [] : [{ documentId, text }];
  });
  const before = await readTargets(database, baseline, quotations);
  const after = await readTargets(database, candidate, quotations);
  const queries = quotations.flatMap(({ text }, index): ProxyQuery[] => {
    const [ofBaseline, ofCandidate] = [before[index], after[index]];
    if (ofBaseline === undefined || ofCandidate === undefined) return [];
    return [{ sentence: text, baseline: ofBaseline, candidate: ofCandidate }];
  });
  return spread(queries, most);
}

/** The chunk of each sentence; undefined if the chunking splits the sentence or leaves too little besides it. */
async function readTargets(
  database: Database,
  { profile }: Contender,
  quotations: readonly Quotation[],
): Promise<(ProxyTarget | undefined)[]> {
  const found = await readHolders(database, profile, quotations);
  return found.map((holders, index) => {
    const rest = withoutSentence(holders[0]?.content ?? "", quotations[index]?.text ?? "");
    return rest === undefined ? undefined : { rest, holders: new Set(holders.map(({ id }) => id)) };
  });
}

async function measureSide(
  database: Database,
  contender: Contender,
  queries: readonly { sentence: string; target: ProxyTarget }[],
  progress: Progress,
): Promise<ProxyMeasures[]> {
  const { profile, embedder } = contender;
  const sentences = await embedQueries(
    contender,
    queries.map(({ sentence }) => sentence),
    progress,
  );
  const rests = await embedTexts(
    embedder,
    queries.map(({ target }) => target.rest),
    { as: "passage", onProgress: (done) => progress(`embedding for ${profile.name}`, done, queries.length) },
  );
  const measures: ProxyMeasures[] = [];
  for (const [index, { target }] of queries.entries()) {
    const [sentence, rest] = [sentences[index] as Float32Array, rests[index]];
    const { holders } = target;
    const score = rest === undefined ? -1 : dot(sentence, rest);
    const results = await searchExactly(database, profile, sentence, { limit: k + holders.size, threshold: score });
    const rank = 1 + results.filter((result) => !holders.has(result.chunkId)).length;
    measures.push(rank > k ? { hit10: 0, mrr10: 0 } : { hit10: 1, mrr10: 1 / rank });
    progress(`proxies in ${profile.name}`, measures.length, queries.length);
  }
  return measures;
}
