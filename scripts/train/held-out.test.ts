import { type Model, models } from "@reembed/core";
import { type Embedder, startOnnxEmbedder } from "@reembed/embedder";
import { expect, test } from "vitest";
import { readTable, readTrainingRecord } from "./training-record.ts";

const pairs = readTable("held-out/ru-en.tsv");
const russian = pairs.map(([text]) => text as string);
const english = pairs.map(([, text]) => text as string);

test("there are 1,000 different pairs of sentences", () => {
  expect(pairs.length).toBe(1_000);
  expect(new Set(russian).size).toBe(1_000);
  expect(new Set(english).size).toBe(1_000);
});

test("mini-m3 finds a sentence's translation among 1,000, in both directions, as well as its record says", async () => {
  const { heldOut } = readTrainingRecord("mini-m3");
  const found = await translationsFound("mini-m3");
  expect(Math.min(found.ruEn, found.enRu)).toBeGreaterThan(0.7);
  expect(Math.abs(found.ruEn - heldOut.ruEnRecall10)).toBeLessThan(0.02);
  expect(Math.abs(found.enRu - heldOut.enRuRecall10)).toBeLessThan(0.02);
});

test("mini-rubert, which only knows Russian, finds hardly any", async () => {
  const found = await translationsFound("mini-rubert");
  expect(Math.max(found.ruEn, found.enRu)).toBeLessThan(0.2);
});

/** Recall at 10: the share of sentences whose translation is among the ten nearest. */
async function translationsFound(id: string): Promise<{ ruEn: number; enRu: number }> {
  const model = models.get(id) as Model;
  await using embedder = await startOnnxEmbedder({ model, modelsFolder: "unused", device: "cpu" });
  const [ru, en] = [await vectorsOf(embedder, russian), await vectorsOf(embedder, english)];
  return { ruEn: recallAtTen(ru, en), enRu: recallAtTen(en, ru) };
}

async function vectorsOf(embedder: Embedder, texts: readonly string[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for await (const outcomes of embedder.embed(texts, { as: "passage" })) {
    for (const outcome of outcomes) {
      if ("rejected" in outcome) throw new Error(`${texts[outcome.index]}: ${outcome.detail}`);
      vectors[outcome.index] = outcome.vector;
    }
  }
  return vectors;
}

function recallAtTen(queries: readonly Float32Array[], answers: readonly Float32Array[]): number {
  const found = queries.filter((query, index) => {
    const own = dot(query, answers[index] as Float32Array);
    return answers.filter((answer) => dot(query, answer) > own).length < 10;
  });
  return found.length / queries.length;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] as number) * (b[index] as number);
  return sum;
}
