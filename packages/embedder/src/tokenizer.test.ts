import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, models } from "@reembed/core";
import { describe, expect, test } from "vitest";
import { modelFolder } from "./model-files.ts";
import { type TokenizedText, Tokenizer } from "./tokenizer.ts";

// The ids of the special tokens around a text, as their tokenizer.json has them.
describe.each([
  { id: "mini-rubert", opening: "[CLS]", closing: "[SEP]" },
  { id: "mini-m3", opening: "<s>", closing: "</s>" },
])("the tokenizer of $id", ({ id, opening, closing }) => {
  const folder = modelFolder(models.get(id) as Model, "unused");

  test("cuts a long text's end off and keeps the closing special token", async () => {
    const specials = await specialIds(folder);
    const text = "отпуск и болезнь ".repeat(10);
    const whole = await tokenizeOne(new Tokenizer(folder, 1_000), text);
    const cut = await tokenizeOne(new Tokenizer(folder, 12), text);
    expect(whole.ids).toHaveLength(whole.tokenCount);
    expect(cut.tokenCount).toBe(whole.tokenCount);
    expect(cut.ids).toEqual(Int32Array.of(...whole.ids.slice(0, 11), specials.get(closing) ?? Number.NaN));
    expect(cut.ids[0]).toBe(specials.get(opening));
  });

  test("leaves a text of just as many tokens as the model reads whole", async () => {
    const text = "отпуск и болезнь";
    const { ids, tokenCount } = await tokenizeOne(new Tokenizer(folder, 1_000), text);
    expect((await tokenizeOne(new Tokenizer(folder, tokenCount), text)).ids).toEqual(ids);
    expect((await tokenizeOne(new Tokenizer(folder, tokenCount - 1), text)).ids).toHaveLength(tokenCount - 1);
  });

  test("answers in the order of the texts, and for none with nothing", async () => {
    const tokenizer = new Tokenizer(folder, 1_000);
    const texts = ["отпуск", "отпуск и болезнь", "болезнь"];
    const expected = await Promise.all(texts.map((text) => tokenizeOne(tokenizer, text)));
    expect(await tokenizer.tokenize(texts)).toEqual(expected);
    expect(await tokenizer.tokenize([])).toEqual([]);
  });
});

test("truncation and padding that a tokenizer.json asks for are not heeded", async () => {
  await using edited = await editTokenizer((tokenizer) => {
    tokenizer.truncation = { direction: "Right", max_length: 4, strategy: "LongestFirst", stride: 0 };
    const pad = { pad_id: 0, pad_type_id: 0, pad_token: "[PAD]" };
    tokenizer.padding = { strategy: { Fixed: 64 }, direction: "Right", pad_to_multiple_of: null, ...pad };
  });
  const text = "отпуск и болезнь";
  const original = new Tokenizer(modelFolder(models.get("mini-rubert") as Model, "unused"), 512);
  expect(await tokenizeOne(new Tokenizer(edited.folder, 512), text)).toEqual(await tokenizeOne(original, text));
});

test("a text that it fails on is told with the reason, and those beside it are tokenized", async () => {
  await using edited = await editTokenizer((tokenizer) => {
    tokenizer.model.unk_token = "[NONE]";
  });
  const [before, failed, after] = await new Tokenizer(edited.folder, 512).tokenize(["отпуск", "漢字", "отпуск"]);
  expect(failed).toEqual({ failure: expect.stringContaining("[UNK]") });
  expect(before).toMatchObject({ tokenCount: expect.any(Number) });
  expect(after).toEqual(before);
});

async function tokenizeOne(tokenizer: Tokenizer, text: string): Promise<TokenizedText> {
  const [answer] = await tokenizer.tokenize([text]);
  if (answer === undefined || "failure" in answer) throw new Error(answer?.failure);
  return answer;
}

interface TokenizerJson {
  truncation: object | null;
  padding: object | null;
  model: { unk_token: string };
  added_tokens: { id: number; content: string }[];
}

async function specialIds(folder: string): Promise<Map<string, number>> {
  const { added_tokens } = await readTokenizer(folder);
  return new Map(added_tokens.map(({ content, id }) => [content, id]));
}

async function editTokenizer(edit: (tokenizer: TokenizerJson) => void): Promise<AsyncDisposable & { folder: string }> {
  const tokenizer = await readTokenizer(modelFolder(models.get("mini-rubert") as Model, "unused"));
  edit(tokenizer);
  const folder = await mkdtemp(join(tmpdir(), "reembed-tokenizer-"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

async function readTokenizer(folder: string): Promise<TokenizerJson> {
  return JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8")) as TokenizerJson;
}
