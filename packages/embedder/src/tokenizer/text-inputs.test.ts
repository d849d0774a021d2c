import { expect, test } from "vitest";
import { outcomesOf, readTexts, rejectAll } from "./text-inputs.ts";

/** Each word is one token; a text with a question mark fails. */
function wordTokenizer(prompt = "") {
  const asked: string[][] = [];
  const tokenize = async (texts: readonly string[]) => {
    asked.push([...texts]);
    return texts.map((text) => {
      if (text.includes("?")) return { failure: "a question" };
      const words = text.split(" ");
      const ids = Int32Array.from(words.slice(0, 3), (word) => word.length);
      return { ids, tokenCount: words.length };
    });
  };
  return { asked, tokenizer: { tokenize }, prompt };
}

test("a text that is given several times is tokenised once, and a blank text never", async () => {
  const reading = wordTokenizer();
  const { inputs } = await readTexts(["отпуск", " ", "приказ", "отпуск", "", "отпуск"], reading);
  expect(reading.asked).toEqual([["отпуск", "приказ"]]);
  expect(inputs.map(({ text, indexes }) => ({ text, indexes }))).toEqual([
    { text: "отпуск", indexes: [0, 3, 5] },
    { text: "приказ", indexes: [2] },
  ]);
});

test("blank texts and texts that the tokenizer fails on are rejected at every place, each with its reason", async () => {
  const { rejected } = await readTexts(["", "why?", "отпуск", "why?", " \n"], wordTokenizer());
  const empty = { rejected: "empty_text", detail: "The text has no visible character." };
  const failed = { rejected: "tokenizer_failed", detail: "a question" };
  expect(rejected.sort((a, b) => a.index - b.index)).toEqual([
    { index: 0, ...empty },
    { index: 1, ...failed },
    { index: 3, ...failed },
    { index: 4, ...empty },
  ]);
});

test("texts that differ only in spaces are different texts", async () => {
  const { inputs } = await readTexts(["отпуск", "отпуск "], wordTokenizer());
  expect(inputs.map(({ indexes }) => indexes)).toEqual([[0], [1]]);
});

test("a prompt is put before each text, counts as part of it, and does not make a blank text readable", async () => {
  const reading = wordTokenizer("query: ");
  const { inputs, rejected } = await readTexts(["отпуск", " ", "a b c"], reading);
  expect(reading.asked).toEqual([["query: отпуск", "query: a b c"]]);
  expect(inputs).toMatchObject([
    { text: "query: отпуск", indexes: [0], tokenCount: 2 },
    { text: "query: a b c", indexes: [2], tokenCount: 4, ids: Int32Array.of(6, 1, 1) },
  ]);
  expect(rejected).toMatchObject([{ index: 1, rejected: "empty_text" }]);
});

test("a vector is cut to its beginning and scaled to length 1, unless that beginning has no length", async () => {
  const [input] = (await readTexts(["отпуск"], wordTokenizer())).inputs;
  if (input === undefined) throw new Error("The text was rejected");
  expect(outcomesOf(input, Float32Array.of(3, 4, 12), 2)).toMatchObject([{ vector: Float32Array.of(0.6, 0.8) }]);
  for (const emitted of [Float32Array.of(0, 0, 1), Float32Array.of(Number.NaN, 1, 1)]) {
    expect(outcomesOf(input, emitted, 2)).toMatchObject([{ index: 0, rejected: "invalid_vector" }]);
  }
});

test("if all texts are blank, the tokenizer is not called", async () => {
  const reading = wordTokenizer();
  expect(await readTexts([], reading)).toEqual({ inputs: [], rejected: [] });
  expect(await readTexts([" "], reading)).toMatchObject({ inputs: [], rejected: [{ index: 0 }] });
  expect(reading.asked).toEqual([]);
});

test("an outcome is given for every place of its text, with its token counts", async () => {
  const [input] = (await readTexts(["a b c d e", "a b c d e"], wordTokenizer())).inputs;
  if (input === undefined) throw new Error("The text was rejected");
  const vector = Float32Array.of(1);
  expect(outcomesOf(input, vector, 1)).toEqual([
    { index: 0, vector, tokenCount: 5, truncatedTokens: 2 },
    { index: 1, vector, tokenCount: 5, truncatedTokens: 2 },
  ]);
  expect(rejectAll(input.indexes, "invalid_vector", "NaN").map(({ index }) => index)).toEqual([0, 1]);
});

test("the time of the tokenizer is reported", async () => {
  const told: number[] = [];
  const observer = { tokenised: (seconds: number) => void told.push(seconds), ran() {}, restarted() {}, budgeted() {} };
  await readTexts(["отпуск"], { ...wordTokenizer(), observer });
  expect(told).toEqual([expect.any(Number)]);
});
