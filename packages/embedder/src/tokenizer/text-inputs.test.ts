import { expect, test } from "vitest";
import { outcomesOf, readTexts, rejectAll } from "./text-inputs.ts";

/** Each word is one token; a text with a question mark fails. */
function wordTokenizer() {
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
  return { asked, tokenize };
}

test("a text that is given several times is tokenised once, and a blank text never", async () => {
  const tokenizer = wordTokenizer();
  const { inputs } = await readTexts(["отпуск", " ", "приказ", "отпуск", "", "отпуск"], tokenizer);
  expect(tokenizer.asked).toEqual([["отпуск", "приказ"]]);
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

test("if all texts are blank, the tokenizer is not called", async () => {
  const tokenizer = wordTokenizer();
  expect(await readTexts([], tokenizer)).toEqual({ inputs: [], rejected: [] });
  expect(await readTexts([" "], tokenizer)).toMatchObject({ inputs: [], rejected: [{ index: 0 }] });
  expect(tokenizer.asked).toEqual([]);
});

test("an outcome is given for every place of its text, with its token counts", async () => {
  const [input] = (await readTexts(["a b c d e", "a b c d e"], wordTokenizer())).inputs;
  if (input === undefined) throw new Error("The text was rejected");
  const vector = Float32Array.of(1);
  expect(outcomesOf(input, vector)).toEqual([
    { index: 0, vector, tokenCount: 5, truncatedTokens: 2 },
    { index: 1, vector, tokenCount: 5, truncatedTokens: 2 },
  ]);
  expect(rejectAll(input.indexes, "invalid_vector", "NaN").map(({ index }) => index)).toEqual([0, 1]);
});

test("the time of the tokenizer is reported", async () => {
  const told: number[] = [];
  const observer = { tokenised: (seconds: number) => void told.push(seconds), ran() {}, restarted() {}, budgeted() {} };
  await readTexts(["отпуск"], wordTokenizer(), observer);
  expect(told).toEqual([expect.any(Number)]);
});
