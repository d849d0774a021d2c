import type { Model } from "@reembed/core";
import type { Embedder, TextOutcome, TextRole } from "@reembed/embedder";
import { beforeAll, describe, expect, test } from "vitest";
import { hasEnded, watchChildren } from "../processes/watch-children.ts";

const texts: readonly string[] = [
  "Зарплата выплачивается дважды в месяц.",
  "How many days of leave do I have?",
  "Командировка оформляется приказом. ".repeat(20),
  "中文",
  "Ё".repeat(50),
  "семья 👨‍👩‍👧‍👦 и половина пары \ud83d внутри",
  "a control character \u0007 in between",
  "ＮＦＫＣ ﬁ №5",
  "Отпуск",
  "Работник обязан предупредить о болезни в первый день. ".repeat(8),
];
const blank: readonly string[] = ["", " ", "\n\t\r\n", "\u00a0\u2003", "\ufeff"];

/** What is changed in an embedder's model: not its files. */
export type ModelChange = Partial<Pick<Model, "prompts" | "dimensions">>;

/** The contract of every embedder. `start` returns a new one each time. */
export function describeEmbedder(name: string, start: (change: ModelChange) => Promise<Embedder>): void {
  describe(name, () => {
    let embedder: Embedder;
    beforeAll(async () => {
      embedder = await start({});
      return () => embedder[Symbol.asyncDispose]();
    });

    test("every text has exactly one outcome, with its index", async () => {
      const mixed = [...texts, ...blank, ...texts, ...blank, ...texts];
      const outcomes = await embedAll(embedder, mixed);
      expect(outcomes.map(({ index }) => index)).toEqual([...mixed.keys()]);
      for (const outcome of outcomes) {
        expect("rejected" in outcome).toBe(blank.includes(mixed[outcome.index] ?? ""));
      }
    });

    test("no texts give no outcomes", async () => {
      expect(await embedAll(embedder, [])).toEqual([]);
    });

    test("vectors have the model's dimensions and the length 1", async () => {
      for (const vector of await vectorsOf(embedder, texts)) {
        expect(vector).toHaveLength(embedder.model.dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
      }
    });

    test("a text has the same vector alone and among others, in any order", async () => {
      const together = await vectorsOf(embedder, texts);
      const reversed = (await vectorsOf(embedder, texts.toReversed())).toReversed();
      for (const [index, text] of texts.entries()) {
        const [alone] = await vectorsOf(embedder, [text]);
        expect(cosine(alone, together[index])).toBeGreaterThan(0.9999);
        expect(cosine(alone, reversed[index])).toBeGreaterThan(0.9999);
      }
    });

    test("texts that share no word have different vectors", async () => {
      const [salary, leave] = await vectorsOf(embedder, texts);
      expect(cosine(salary, leave)).toBeLessThan(0.9);
    });

    test("concurrent calls each get their own vectors", async () => {
      const expected = await vectorsOf(embedder, texts);
      const calls = await Promise.all(texts.map((text) => vectorsOf(embedder, [text, ...texts])));
      for (const [index, [vector]] of calls.entries()) {
        expect(cosine(vector, expected[index])).toBeGreaterThan(0.9999);
      }
    });

    test("a call that is abandoned half-way does not affect the next one", async () => {
      for await (const outcomes of embedder.embed([...texts, ...texts], { as: "passage" })) {
        expect(outcomes.length).toBeGreaterThan(0);
        break;
      }
      expect(await embedAll(embedder, texts)).toHaveLength(texts.length);
    });

    test("a text without a visible character is rejected as empty_text, and the others are embedded", async () => {
      const outcomes = await embedAll(embedder, [...blank, "Отпуск", ...blank]);
      const reasons = outcomes.map((outcome) => ("rejected" in outcome ? outcome.rejected : "embedded"));
      expect(reasons).toEqual([...blank.map(() => "empty_text"), "embedded", ...blank.map(() => "empty_text")]);
    });

    test("a text with too many tokens is embedded up to the model's limit, with both counts in its outcome", async () => {
      const { maxTokens } = embedder.model;
      const beginning = "отпуск ".repeat(maxTokens);
      const outcomes = await embedAll(embedder, ["Отпуск", beginning, `${beginning} и многое другое`]);
      const [short, long, longer] = outcomes.map(embedded);
      expect(short?.tokenCount).toBeLessThanOrEqual(maxTokens);
      expect(long?.tokenCount).toBeGreaterThan(maxTokens);
      expect(longer?.tokenCount).toBeGreaterThan(long?.tokenCount ?? 0);
      for (const { tokenCount, truncatedTokens } of [short, long, longer].filter((outcome) => outcome !== undefined)) {
        expect(truncatedTokens).toBe(Math.max(0, tokenCount - maxTokens));
      }
      expect(cosine(long?.vector, longer?.vector)).toBeGreaterThan(0.9999);
    });

    test("the model's prompt for queries or passages is read before each text, also where a long one is cut", async () => {
      const prompts = { query: "Вопрос сотрудника: ", passage: "Из правил компании, глава о работе: " };
      await using prompted = await start({ prompts });
      const given = [...texts.filter((text) => text.isWellFormed()), "отпуск ".repeat(embedder.model.maxTokens)];
      const read = await Promise.all(
        (["query", "passage"] as const).map(async (as) => {
          const outcomes = (await embedAll(prompted, given, as)).map(embedded);
          const expected = (
            await embedAll(
              embedder,
              given.map((text) => prompts[as] + text),
            )
          ).map(embedded);
          for (const [index, { vector, ...counts }] of outcomes.entries()) {
            expect(cosine(vector, expected[index]?.vector)).toBeGreaterThan(0.9999);
            expect(counts).toEqual({ ...expected[index], vector: undefined });
          }
          return outcomes;
        }),
      );
      const [asQuery, asPassage] = read.map(([first]) => first?.vector);
      expect(cosine(asQuery, asPassage)).toBeLessThan(0.9999);
      const blanks = await embedAll(prompted, blank, "query");
      expect(blanks.every((outcome) => "rejected" in outcome && outcome.rejected === "empty_text")).toBe(true);
    });

    test("with fewer dimensions a vector is the beginning of the whole one, of length 1", async () => {
      const dimensions = embedder.model.dimensions / 4;
      await using short = await start({ dimensions });
      const whole = await vectorsOf(embedder, texts);
      for (const [index, vector] of (await vectorsOf(short, texts)).entries()) {
        expect(vector).toHaveLength(dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
        const beginning = whole[index]?.subarray(0, dimensions) ?? new Float32Array();
        expect(cosine(vector, beginning) / Math.hypot(...beginning)).toBeGreaterThan(0.9999);
      }
    });

    test("after disposal it takes no more texts and leaves no process", async () => {
      using watch = watchChildren();
      const own = await start({});
      await embedAll(own, texts);
      await own[Symbol.asyncDispose]();
      expect(watch.children.filter((child) => !hasEnded(child))).toEqual([]);
      await own[Symbol.asyncDispose]();
      await expect(embedAll(own, texts)).rejects.toMatchObject({ code: "inference_died" });
    });
  });
}

/** The outcomes in the order of the texts. */
export async function embedAll(
  embedder: Embedder,
  texts: readonly string[],
  as: TextRole = "passage",
): Promise<TextOutcome[]> {
  const outcomes = await Array.fromAsync(embedder.embed(texts, { as }));
  return outcomes.flat().sort((a, b) => a.index - b.index);
}

export async function vectorsOf(embedder: Embedder, texts: readonly string[]): Promise<Float32Array[]> {
  return (await embedAll(embedder, texts)).map((outcome) => embedded(outcome).vector);
}

function embedded(outcome: TextOutcome) {
  if ("rejected" in outcome) throw new Error(`Text ${outcome.index} was rejected: ${outcome.detail}`);
  return outcome;
}

function cosine(a: Float32Array = new Float32Array(), b: Float32Array = new Float32Array()): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0);
}
