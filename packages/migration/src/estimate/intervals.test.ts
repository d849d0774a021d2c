import { chunkText, resolveProfile } from "@reembed/core";
import { countTokens } from "@reembed/embedder";
import { beforeAll, describe, expect, test } from "vitest";
import { readCorpus } from "../load/read-corpus.ts";
import { handbook } from "../load/sample-texts.ts";
import { estimateShare, estimateTotal, type Sampled } from "./intervals.ts";

const draws = 2_000;

describe("the interval of a total", () => {
  const { chunking, model } = resolveProfile("mini-m3");
  /** Every chunk and every document of the handbook: its bytes, and the tokens that the model reads. */
  const chunks: Sampled[] = [];
  const documents: Sampled[] = [];
  beforeAll(async () => {
    const bodies: string[] = [];
    for await (const entry of readCorpus(handbook)) if (entry.kind === "document") bodies.push(entry.document.body);
    const cut = bodies.map((body) => chunkText(body, chunking).map(({ content }) => content));
    const counts = (await countTokens(model, "models", cut.flat())).values();
    for (const [index, texts] of cut.entries()) {
      const own = texts.map((text) => ({ size: Buffer.byteLength(text), value: counts.next().value?.read ?? 0 }));
      chunks.push(...own);
      documents.push({ size: Buffer.byteLength(bodies[index] ?? ""), value: total(own) });
    }
  });

  test.for([
    ["chunks", 60],
    ["chunks", 100],
    ["documents", 40],
  ] as const)("contains the tokens of the handbook in 95 of 100 samples of %s, %i each", ([drawn, size]) => {
    const population = drawn === "chunks" ? chunks : documents;
    const truth = total(population);
    const random = seeded(7);
    let held = 0;
    for (let draw = 0; draw < draws; draw++) {
      const { low, high } = estimateTotal(drawFrom(population, size, random), measure(population));
      if (low <= truth && truth <= high) held++;
    }
    expect(held / draws).toBeGreaterThan(0.93);
  });

  test("is narrower than that of a plain mean, because tokens correlate with bytes", () => {
    const sample = drawFrom(chunks, 60, seeded(1));
    const { low, high } = estimateTotal(sample, measure(chunks));
    const alike = sample.map(({ value }) => ({ size: 1, value }));
    const plain = estimateTotal(alike, { count: chunks.length, size: chunks.length });
    expect(high - low).toBeLessThan(0.75 * (plain.high - plain.low));
  });

  test("of the whole population has no width", () => {
    const truth = total(chunks);
    expect(estimateTotal(chunks, measure(chunks))).toEqual({ total: truth, low: truth, high: truth });
  });
});

describe("the interval of a share", () => {
  test("contains the true share in 95 of 100 samples, and has a width even if the share was 0", () => {
    const random = seeded(3);
    const population = Array.from({ length: 1_000 }, (_, index) => ({ size: 1, value: index < 80 ? 1 : 0 }));
    let held = 0;
    for (let draw = 0; draw < draws; draw++) {
      const { low, high } = estimateShare(total(drawFrom(population, 100, random)) / 100, 100, 1_000);
      if (low <= 0.08 && 0.08 <= high) held++;
    }
    expect(held / draws).toBeGreaterThan(0.92);
    const unseen = estimateShare(0, 100, 10_000);
    expect(unseen.low).toBe(0);
    expect(unseen.high).toBeGreaterThan(0.03);
    expect(unseen.high).toBeLessThan(0.04);
  });

  test("of the whole population has no width", () => {
    expect(estimateShare(0.25, 8, 8)).toEqual({ share: 0.25, low: 0.25, high: 0.25 });
  });
});

function total(sample: readonly Sampled[]): number {
  return sample.reduce((sum, { value }) => sum + value, 0);
}

function measure(population: readonly Sampled[]) {
  return { count: population.length, size: population.reduce((sum, { size }) => sum + size, 0) };
}

/** Draws a sample without replacement. */
function drawFrom(population: readonly Sampled[], size: number, random: () => number): Sampled[] {
  const left = [...population];
  return Array.from({ length: size }, () => left.splice(Math.floor(random() * left.length), 1)[0] as Sampled);
}

/** Mulberry32: the same random numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
