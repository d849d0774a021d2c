import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, models } from "@reembed/core";
import { multilingualTexts } from "@reembed/testing/embedders";
import { beforeAll, describe, expect, test } from "vitest";
import { modelFolder } from "../models/model-files.ts";
import { Tokenizer } from "./tokenizer.ts";
import type { TokenizedText } from "./tokenizer-messages.ts";

const implementations = [
  { kind: "native", options: {} },
  { kind: "javascript", options: { nativeModule: "no-such-binary" } },
] as const;
// The special tokens around a text, from the models' tokenizer.json.
const standIns = [
  { id: "mini-rubert", opening: "[CLS]", closing: "[SEP]" },
  { id: "mini-m3", opening: "<s>", closing: "</s>" },
] as const;
const miniRubertFolder = folderOf("mini-rubert");

describe.each(
  implementations.flatMap((implementation) => standIns.map((standIn) => ({ ...implementation, ...standIn }))),
)("the $kind tokenizer of $id", ({ kind, options, id, opening, closing }) => {
  const folder = folderOf(id);

  test("reports its own kind", async () => {
    await using tokenizer = new Tokenizer(folder, 512, options);
    expect(await tokenizer.load()).toBe(kind);
  });

  test("cuts off the end of a long text and keeps the closing special token", async () => {
    const specials = await specialIds(folder);
    const text = "отпуск и болезнь ".repeat(10);
    const whole = await tokenizeAs(1_000, text);
    const cut = await tokenizeAs(12, text);
    expect(whole.ids).toHaveLength(whole.tokenCount);
    expect(cut.tokenCount).toBe(whole.tokenCount);
    expect(cut.ids).toEqual(Int32Array.of(...whole.ids.slice(0, 11), specials.get(closing) ?? Number.NaN));
    expect(cut.ids[0]).toBe(specials.get(opening));
  });

  test("keeps all tokens of a text that has exactly as many as the model reads", async () => {
    const text = "отпуск и болезнь";
    const { ids, tokenCount } = await tokenizeAs(1_000, text);
    expect((await tokenizeAs(tokenCount, text)).ids).toEqual(ids);
    expect((await tokenizeAs(tokenCount - 1, text)).ids).toHaveLength(tokenCount - 1);
  });

  test("answers in the order of the texts, and with nothing for no texts", async () => {
    await using tokenizer = new Tokenizer(folder, 1_000, options);
    const texts = ["отпуск", "отпуск и болезнь", "болезнь"];
    const expected = await Promise.all(texts.map((text) => tokenizeOne(tokenizer, text)));
    expect(await tokenizer.tokenize(texts)).toEqual(expected);
    expect(await tokenizer.tokenize([])).toEqual([]);
  });

  test("returns the part of a long text that the model reads, and the replacement of half a character", async () => {
    await using tokenizer = new Tokenizer(folder, 8, options);
    const parts = await tokenizer.readParts(["😀 отпуск ".repeat(20), "отпуск", "\ud83d"]);
    expect(parts).toEqual([expect.stringMatching(/^(😀 отпуск ?){2,3}(😀)?$/u), "отпуск", "\ufffd"]);
    expect((await tokenizeAs(1_000, parts[0] ?? "")).tokenCount).toBe(8);
  });

  test("accepts a text of lone surrogates only, and control characters", async () => {
    const { tokenCount } = await tokenizeAs(512, "\ud83d\ud83d \udc00");
    expect(tokenCount).toBeGreaterThanOrEqual(2);
    expect(await tokenizeAs(512, "\u0000\u0007")).toMatchObject({ tokenCount: expect.any(Number) });
  });

  async function tokenizeAs(maxTokens: number, text: string): Promise<TokenizedText> {
    await using tokenizer = new Tokenizer(folder, maxTokens, options);
    return await tokenizeOne(tokenizer, text);
  }
});

describe.each(standIns)("the two implementations, with the tokenizer of $id", ({ id }) => {
  let native: Tokenizer;
  let javascript: Tokenizer;
  beforeAll(async () => {
    await using scope = new AsyncDisposableStack();
    native = scope.use(new Tokenizer(folderOf(id), 512));
    javascript = scope.use(new Tokenizer(folderOf(id), 512, { nativeModule: "no-such-binary" }));
    const opened = scope.move();
    return () => opened.disposeAsync();
  });

  test("give the same tokens for what people write", async () => {
    expect(await differing(multilingualTexts)).toEqual([]);
  });

  test("agree on every character before U+061D, which is newer than the tables of the native one", async () => {
    const characters = Array.from({ length: 0xffff }, (_, code) => String.fromCharCode(code + 1));
    const differ = await differing(characters.map((character) => `отп${character}уск`));
    const codes = differ.map((text) => text.charCodeAt(3));
    expect(Math.min(...codes)).toBeGreaterThanOrEqual(0x61d);
    // The others differ in punctuation marks, letters that Unicode has added since, and forms that NFKC replaces.
    expect(codes.filter((code) => !/[\p{P}\p{So}\p{L}\p{Cf}]/u.test(String.fromCharCode(code)))).toEqual([]);
    expect(codes.length).toBeLessThan(120);
  });

  /** The texts for which the two give different tokens. */
  async function differing(texts: readonly string[]): Promise<string[]> {
    const [expected, actual] = await Promise.all([native.tokenize(texts), javascript.tokenize(texts)]);
    const same = (place: number) => JSON.stringify(actual[place]) === JSON.stringify(expected[place]);
    return texts.filter((_, place) => !same(place));
  }
});

test("a text of 10 MB is tokenised as a whole and blocks the event loop for less than 100 ms", async () => {
  await using tokenizer = new Tokenizer(folderOf("mini-m3"), 8_192);
  await tokenizer.load();
  const sentence = "Командировка оформляется приказом руководителя. ";
  // Made from a buffer, as a database's answer is: the result of `repeat` alone is only assembled when it is first read.
  const text = Buffer.from(sentence.repeat(110_000)).toString();
  expect(Buffer.byteLength(text)).toBeGreaterThan(10_000_000);
  using blocked = watchEventLoop();
  const [answer] = await tokenizer.tokenize([text]);
  expect(blocked.longestMs()).toBeLessThan(100);
  const perSentence = ((await tokenizeOne(tokenizer, sentence)).tokenCount - 2) * 110_000;
  expect(answer).toMatchObject({ tokenCount: perSentence + 2, ids: { length: 8_192 } });
});

test("truncation and padding in a tokenizer.json are ignored", async () => {
  await using edited = await editTokenizer((tokenizer) => {
    tokenizer.truncation = { direction: "Right", max_length: 4, strategy: "LongestFirst", stride: 0 };
    const pad = { pad_id: 0, pad_type_id: 0, pad_token: "[PAD]" };
    tokenizer.padding = { strategy: { Fixed: 64 }, direction: "Right", pad_to_multiple_of: null, ...pad };
  });
  const text = "отпуск и болезнь";
  await using original = new Tokenizer(miniRubertFolder, 512);
  for (const { options } of implementations) {
    await using tokenizer = new Tokenizer(edited.folder, 512, options);
    expect(await tokenizeOne(tokenizer, text)).toEqual(await tokenizeOne(original, text));
  }
});

test.each(implementations)(
  "a text that the $kind one fails on gets the reason, and the others are tokenised",
  async ({ options }) => {
    await using edited = await editTokenizer((tokenizer) => {
      tokenizer.model.unk_token = "[NONE]";
    });
    await using tokenizer = new Tokenizer(edited.folder, 512, options);
    const [before, failed, after] = await tokenizer.tokenize(["отпуск", "漢字", "отпуск"]);
    expect(failed).toEqual({ failure: expect.stringMatching(/\[(UNK|NONE)\]/) });
    expect(before).toMatchObject({ tokenCount: expect.any(Number) });
    expect(after).toEqual(before);
  },
);

describe.each(implementations)("the $kind tokenizer's thread", ({ options }) => {
  test("refuses an invalid tokenizer.json in every call", async () => {
    const folder = await mkdtemp(join(tmpdir(), "reembed-tokenizer-"));
    await writeFile(join(folder, "tokenizer.json"), "{}");
    await using tokenizer = new Tokenizer(folder, 512, options);
    const invalid = { code: "tokenizer_invalid", message: expect.stringContaining(`${folder}/tokenizer.json`) };
    await expect(tokenizer.load()).rejects.toMatchObject(invalid);
    await expect(tokenizer.tokenize(["отпуск"])).rejects.toMatchObject(invalid);
    await rm(folder, { recursive: true });
  });

  test("is ended in the middle of its work, and accepts nothing more", async () => {
    const tokenizer = new Tokenizer(miniRubertFolder, 512, options);
    await tokenizer.load();
    const call = tokenizer.tokenize(["отпуск ".repeat(20_000)]);
    const ended = expect(call).rejects.toMatchObject({ code: "tokenizer_died" });
    await tokenizer[Symbol.asyncDispose]();
    await ended;
    await tokenizer[Symbol.asyncDispose]();
    await expect(tokenizer.tokenize(["отпуск"])).rejects.toMatchObject({ code: "tokenizer_died" });
  });
});

/** The longest time that this thread was busy between two ticks: CPU time, because others may have the processor. */
function watchEventLoop(): Disposable & { longestMs(): number } {
  let last = process.threadCpuUsage();
  let longest = 0;
  const look = () => {
    const { user, system } = process.threadCpuUsage(last);
    longest = Math.max(longest, (user + system) / 1_000);
    last = process.threadCpuUsage();
  };
  const timer = setInterval(look, 1);
  return {
    longestMs() {
      look();
      return longest;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function tokenizeOne(tokenizer: Tokenizer, text: string): Promise<TokenizedText> {
  const [answer] = await tokenizer.tokenize([text]);
  if (answer === undefined || "failure" in answer) throw new Error(answer?.failure);
  return answer;
}

function folderOf(id: string): string {
  return modelFolder(models.get(id) as Model, "unused");
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
  const tokenizer = await readTokenizer(miniRubertFolder);
  edit(tokenizer);
  const folder = await mkdtemp(join(tmpdir(), "reembed-tokenizer-"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

async function readTokenizer(folder: string): Promise<TokenizerJson> {
  return JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8")) as TokenizerJson;
}
