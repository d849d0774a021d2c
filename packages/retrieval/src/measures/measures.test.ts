import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstCharacters, firstOfEachDocument, readGains } from "./gains.ts";
import type { Judgement, RankedChunk } from "./judgement.ts";
import { measureRanking, normalizedDcg, precision, recall, reciprocalRank } from "./measures.ts";

const chunk = (document: string, start: number, end: number): RankedChunk => ({ document, start, end });
const judged = (document: string, start: number, end: number, grade = 2): Judgement => ({
  document,
  grade,
  span: { start, end },
});

describe("a ranking that is read from its top", () => {
  test("gains an answer at the first chunk that contains at least half of it", () => {
    const answer = [judged("pay-days", 100, 200)];
    expect(readGains([chunk("pay-days", 0, 149), chunk("pay-days", 150, 400)], answer)).toEqual([0, 2]);
    expect(readGains([chunk("pay-days", 0, 150), chunk("pay-days", 150, 400)], answer)).toEqual([2, 0]);
  });

  test("gains nothing from the same characters of another document", () => {
    expect(readGains([chunk("bonuses", 0, 1_500)], [judged("pay-days", 100, 200)])).toEqual([0]);
  });

  test("gains an answer in the overlap of two chunks only once", () => {
    const neighbours = [chunk("vacation", 0, 1_500), chunk("vacation", 1_350, 2_850)];
    expect(readGains(neighbours, [judged("vacation", 1_400, 1_480)])).toEqual([2, 0]);
  });

  test("gains as much from one large chunk with two answers as from two small ones", () => {
    const answers = [judged("vacation", 4_000, 4_100, 1), judged("vacation", 200, 300, 2)];
    const small = [chunk("vacation", 0, 1_500), chunk("vacation", 3_000, 4_500)];
    const large = [chunk("vacation", 0, 6_000), chunk("sick-leave", 0, 6_000)];
    expect(readGains(small, answers)).toEqual([2, 1]);
    expect(readGains(large, answers)).toEqual([2, 1, 0]);
    expect(measureRanking(large, answers)).toEqual(measureRanking(small, answers));
    expect(measureRanking(large, answers)).toMatchObject({ ndcg10: 1, recall10: 1, mrr10: 1, precision5: 0.4 });
  });

  test("gains nothing from a judgement of grade 0", () => {
    expect(readGains([chunk("canteen", 0, 900)], [judged("canteen", 0, 50, 0)])).toEqual([0]);
  });

  test("gains a document that was judged as a whole at its first chunk", () => {
    const ranking = [chunk("tax", 0, 9), chunk("visa", 9, 20), chunk("visa", 0, 9), chunk("pay", 0, 5)];
    const judgements = [
      { document: "visa", grade: 2 },
      { document: "pay", grade: 1 },
    ];
    expect(readGains(ranking, judgements)).toEqual([0, 2, 0, 1]);
    expect(readGains(firstOfEachDocument(ranking), judgements)).toEqual([0, 2, 1]);
  });

  test("ends within a chunk if the character limit is reached there", () => {
    const ranking = [chunk("a", 0, 6_000), chunk("b", 3_000, 9_000)];
    expect(firstCharacters(ranking, 7_000)).toEqual([chunk("a", 0, 6_000), chunk("b", 3_000, 4_000)]);
    expect(firstCharacters(ranking, 6_000)).toEqual([chunk("a", 0, 6_000)]);
  });
});

describe("the measures", () => {
  test("nDCG of Järvelin and Kekäläinen's example divides their gains by log2(rank + 1)", () => {
    // Their ranking G' of ten documents and its ideal I'; the greatest grade is 3.
    const gains = [3, 2, 3, 0, 0, 1, 2, 2, 3, 0];
    const grades = [3, 3, 3, 2, 2, 2, 1, 1, 1, 1];
    // By hand: 3 + 2/1.585 + 3/2 + 1/2.807 + 2/3 + 2/3.170 + 3/3.322
    const dcg = 3 + 1.26186 + 1.5 + 0.35621 + 0.66667 + 0.63093 + 0.90309;
    // By hand: 3 + 3/1.585 + 3/2 + 2/2.322 + 2/2.585 + 2/2.807 + (1/3 + 1/3.170 + 1/3.322 + 1/3.459)
    const ideal = 3 + 1.89279 + 1.5 + 0.86135 + 0.77371 + 0.71241 + 0.33333 + 0.31546 + 0.30103 + 0.28906;
    expect(normalizedDcg(gains, grades, 10)).toBeCloseTo(dcg / ideal, 4);
  });

  test("a single answer at the third place of five", () => {
    expect(normalizedDcg([0, 0, 2, 0, 0], [2], 10)).toBe(0.5);
    expect(recall([0, 0, 2, 0, 0], [2], 10)).toBe(1);
    expect(precision([0, 0, 2, 0, 0], 5)).toBe(0.2);
    expect(reciprocalRank([0, 0, 2, 0, 0], 10)).toBeCloseTo(1 / 3, 12);
  });

  test("entries after the cut-off are ignored", () => {
    expect(normalizedDcg([0, 0, 2], [2], 2)).toBe(0);
    expect(recall([0, 0, 2], [2], 2)).toBe(0);
    expect(reciprocalRank([0, 0, 2], 2)).toBe(0);
  });

  test("fewer results than places lower the precision", () => {
    expect(precision([2, 1], 5)).toBe(0.4);
  });

  test("a ranking with fewer places than judgements can be ideal", () => {
    expect(normalizedDcg([2, 2], [2, 2, 2], 2)).toBe(1);
  });

  test("fifteen thousand characters are ten small chunks, or two large ones and a half", () => {
    const answer = [judged("last", 200, 300)];
    const others = (size: number, count: number) =>
      Array.from({ length: count }, (_, index) => chunk(`other-${index}`, 0, size));
    expect(measureRanking([...others(1_500, 9), chunk("last", 0, 1_500)], answer).recall15k).toBe(1);
    expect(measureRanking([...others(1_500, 10), chunk("last", 0, 1_500)], answer).recall15k).toBe(0);
    expect(measureRanking([...others(6_000, 2), chunk("last", 0, 6_000)], answer).recall15k).toBe(1);
    expect(measureRanking([...others(6_000, 3), chunk("last", 0, 6_000)], answer).recall15k).toBe(0);
  });

  test("a query without a helpful judgement has no measures", () => {
    expect(() => measureRanking([chunk("canteen", 0, 900)], [])).toThrow(RangeError);
    expect(() => measureRanking([chunk("canteen", 0, 900)], [judged("canteen", 0, 9, 0)])).toThrow(RangeError);
  });
});

describe("for any chunks and judged spans", () => {
  const names = ["leave", "pay", "travel"];
  const anySpan = fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 80 }));
  const anyJudgement = fc
    .tuple(fc.constantFrom(...names), anySpan, fc.integer({ min: 1, max: 3 }))
    .map(([name, [start, length], grade]) => judged(name, start, start + length, grade));
  const anyChunk = fc
    .tuple(fc.constantFrom(...names), anySpan)
    .map(([name, [start, length]]) => chunk(name, start, start + 2 * length));
  const anyJudgements = fc.array(anyJudgement, { minLength: 1, maxLength: 6 });
  const anyRanking = fc.array(anyChunk, { maxLength: 30 });

  test("every measure is between 0 and 1, and no ranking is better than ideal", () => {
    fc.assert(
      fc.property(anyRanking, anyJudgements, (ranking, judgements) => {
        for (const value of Object.values(measureRanking(ranking, judgements))) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("no judgement is gained twice, even if chunks overlap and repeat", () => {
    fc.assert(
      fc.property(anyRanking, anyJudgements, (ranking, judgements) => {
        const gained = readGains([...ranking, ...ranking], judgements).filter((gain) => gain > 0);
        const once = readGains(ranking, judgements).filter((gain) => gain > 0);
        expect(gained).toEqual(once);
        expect(gained.length).toBeLessThanOrEqual(judgements.length);
      }),
    );
  });

  test("whole documents in the order of their greatest grades are ideal for spans of one grade each", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 }), (grades) => {
        const judgements = grades.flatMap((grade, index) => [
          judged(`d${index}`, 0, 10, grade),
          judged(`d${index}`, 90, 99, grade),
        ]);
        const best = grades.map((grade, index) => ({ grade, index })).sort((a, b) => b.grade - a.grade);
        const ranking = best.map(({ index }) => chunk(`d${index}`, 0, 100));
        expect(measureRanking(ranking, judgements).ndcg10).toBeCloseTo(1, 12);
      }),
    );
  });

  test("an answer that moves up a place never lowers a measure", () => {
    fc.assert(
      fc.property(fc.nat(8), (place) => {
        const answer = [judged("answer", 0, 50)];
        const ranking = (at: number) => {
          const others = Array.from({ length: 9 }, (_, index) => chunk(`other-${index}`, 0, 100));
          return others.toSpliced(at, 0, chunk("answer", 0, 100));
        };
        const below = measureRanking(ranking(place + 1), answer);
        const above = measureRanking(ranking(place), answer);
        for (const name of ["ndcg10", "recall10", "mrr10", "precision5"] as const) {
          expect(above[name]).toBeGreaterThanOrEqual(below[name]);
        }
      }),
    );
  });
});
