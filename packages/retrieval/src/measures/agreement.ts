/** How far two answers to one query agree, by their first documents. */
export interface Agreement {
  /** Documents in common, divided by those of the longer answer; 1 if both are empty. */
  overlap: number;
  /** Kendall's tau-a of the documents in common: 1 for the same order, -1 for the reverse; null for fewer than two. */
  rankCorrelation: number | null;
}

/** @param a, b The document of each result, the best first; a repeated document counts at its first place only. */
export function agreementOf(a: readonly string[], b: readonly string[], k = 10): Agreement {
  const first = firstDocuments(a, k);
  const second = firstDocuments(b, k);
  const longer = Math.max(first.length, second.length);
  const common = first.filter((document) => second.includes(document));
  return {
    overlap: longer === 0 ? 1 : common.length / longer,
    rankCorrelation: kendallTau(common.map((document) => second.indexOf(document))),
  };
}

function firstDocuments(documents: readonly string[], k: number): string[] {
  return [...new Set(documents)].slice(0, k);
}

/** Pairs in order minus pairs out of order, divided by all pairs; no ranks are equal (Kendall, Biometrika 30, 1938). */
function kendallTau(ranks: readonly number[]): number | null {
  const pairs = ranks.flatMap((rank, index) => ranks.slice(index + 1).map((later) => Math.sign(later - rank)));
  if (pairs.length === 0) return null;
  return pairs.reduce((sum, sign) => sum + sign, 0) / pairs.length;
}
