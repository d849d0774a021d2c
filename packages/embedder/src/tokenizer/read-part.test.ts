import { join } from "node:path";
import { type Model, models } from "@reembed/core";
import { multilingualTexts } from "@reembed/testing/embedders";
import { beforeAll, describe, expect, test } from "vitest";
import { modelFolder } from "../models/model-files.ts";
import type { EncodedText, Encoder } from "./encoder.ts";
import { loadEncoder } from "./load-encoder.ts";
import { countClosing, cutIds, readPart } from "./read-part.ts";

const implementations = [
  { kind: "native", nativeModule: "@anush008/tokenizers" },
  { kind: "javascript", nativeModule: "no-such-binary" },
];
const subjects = ["mini-rubert", "mini-m3"].flatMap((id) => implementations.map((each) => ({ ...each, id })));
/** Characters that normalizers replace by several characters. */
const compatible = "ﬁﬃ㎏½№";

describe.each(subjects)("of a text, with the $kind tokenizer of $id,", ({ id, nativeModule }) => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await load(id, nativeModule);
  });

  test.each([
    "отпуск и болезнь ".repeat(4),
    "😀 отпуск 👨‍👩‍👧‍👦 и болезнь 🇷🇸 в 𠮷",
    "и\u0306од ёлка e\u0301cole",
    "How many (28)? — «да», нет...",
  ])("the part that is read has the tokens that are kept, for any limit: %j", async (text) => {
    const whole = await encodeOne(encoder, text);
    for (let limit = 4; limit <= whole.ids.length; limit++) {
      const part = await readPart(text, limit, encoder);
      expect(text.startsWith(part) && part.isWellFormed()).toBe(true);
      // A "▁" at the end of the kept tokens has no character of its own, and is left out then.
      const kept = [cutIds(whole, limit), cutIds(whole, limit - 1)];
      expect(kept).toContainEqual(Int32Array.from((await encodeOne(encoder, part)).ids));
    }
  });

  test("the part that is read never exceeds the limit, even if the cut is within one character", async () => {
    const text = `${compatible} отпуск ${[...compatible].join(" ")}`;
    const whole = await encodeOne(encoder, text);
    for (let limit = 3; limit <= whole.ids.length; limit++) {
      const { ids } = await encodeOne(encoder, await readPart(text, limit, encoder));
      expect(ids.length).toBeLessThanOrEqual(limit);
      expect(ids.length).toBeGreaterThanOrEqual(limit - 3);
    }
  });
});

test.each(["mini-rubert", "mini-m3"])(
  "without the native tokenizer's offsets, %s cuts at the same character",
  async (id) => {
    const [native, javascript] = await Promise.all(implementations.map(({ nativeModule }) => load(id, nativeModule)));
    // All unknown pieces give the same token, so their ends cannot be told: mini-rubert only knows Russian.
    const known = multilingualTexts.slice(0, id === "mini-rubert" ? 1 : 5);
    for (const text of known.map((text) => `${text} `.repeat(40))) {
      expect(await readPart(text, 64, javascript as Encoder)).toBe(await readPart(text, 64, native as Encoder));
    }
  },
);

async function load(id: string, nativeModule: string): Promise<Encoder> {
  return await loadEncoder(join(modelFolder(models.get(id) as Model, "unused"), "tokenizer.json"), nativeModule);
}

async function encodeOne(encoder: Encoder, text: string): Promise<EncodedText> {
  const [answer] = await encoder.encode([text]);
  if (answer === undefined || "failure" in answer) throw new Error(answer?.failure);
  return answer;
}

describe("the special tokens after a text", () => {
  /** Each letter is a token, between those of `before` and `after`. */
  function letters(before: number[], after: number[]): Encoder {
    return {
      kind: "javascript",
      encode: async (texts) =>
        texts.map((text) => {
          const ids = [...before, ...Array.from(text, (letter) => letter.codePointAt(0) ?? 0), ...after];
          return { ids, endOf: (place) => place - before.length + 1 };
        }),
    };
  }

  test.each([
    ["one, as BERT has", [101], [102], 1],
    ["none, as GPT has", [], [], 0],
    ["only one before the text", [1], [], 0],
    ["two", [], [8, 9], 2],
  ])("are counted and stay when a text is cut: %s", async (_, before, after, expected) => {
    const encoder = letters(before, after);
    const closing = await countClosing(encoder);
    expect(closing).toBe(expected);
    const [whole] = await encoder.encode(["abcdefgh"]);
    const read = "abcdefgh".slice(0, 5 - before.length - after.length);
    const ids = [...before, ...Array.from(read, (letter) => letter.codePointAt(0)), ...after];
    expect([...cutIds(whole as EncodedText, 5, closing)]).toEqual(ids);
    expect(await readPart("abcdefgh", 5, encoder, closing)).toBe(read);
  });

  test("are one of the stand-ins' tokenizers", async () => {
    for (const { id, nativeModule } of subjects) expect(await countClosing(await load(id, nativeModule))).toBe(1);
  });
});
