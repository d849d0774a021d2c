import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Model } from "@reembed/core";
import { startOnnxEmbedder } from "@reembed/embedder";
import { readModelFolder } from "@reembed/embedder/models";
import { Tokenizer } from "@reembed/embedder/tokenizer";
import { embedAll } from "@reembed/testing/embedders";
import {
  type ReferenceAnswer,
  realModelsFolder,
  realModelsMissing,
  referenceOf,
  textsOfLanguages,
} from "@reembed/testing/real-models";
import { beforeAll, describe, expect, test } from "vitest";
import { leastCosines, prepareModel } from "./prepare-model.ts";

const because = realModelsMissing === undefined ? "" : ` (skipped: ${realModelsMissing})`;

/** The prompt for passages needs fewer texts: what follows it is computed alike. */
const given = { query: textsOfLanguages, passage: textsOfLanguages.slice(0, 40) };
/** Six encoders' runs of 200 texts, some of 512 tokens, take minutes on a busy machine. */
const patience = 1_800_000;

describe.skipIf(realModelsMissing !== undefined).each([
  { id: "sentence-transformers/all-MiniLM-L6-v2", prompts: { query: "", passage: "" } },
  { id: "intfloat/multilingual-e5-small", prompts: { query: "query: ", passage: "passage: " } },
])(`200 texts in ten languages, by sentence-transformers and by $id here${because}`, ({ id, prompts }) => {
  let modelsFolder: string;
  let model: Model;
  let expected: Record<"query" | "passage", ReferenceAnswer>;

  beforeAll(async () => {
    modelsFolder = await mkdtemp(join(tmpdir(), "reembed-real-"));
    await cp(join(realModelsFolder, id), join(modelsFolder, id), { recursive: true });
    const { dimensions = 0, maxTokens = 0, pooling = "cls" } = await readModelFolder(join(modelsFolder, id));
    const known = { dimensions, outputDimensions: dimensions, maxTokens, pooling, prompts };
    model = { id, revision: "of a package", ...known, bundled: false };
    expected = await referenceOf({ id, prompts }, given);
    return () => rm(modelsFolder, { recursive: true });
  }, patience);

  test("have the same tokens, the long ones cut at the same place", async () => {
    const { maxTokens } = model;
    await using tokenizer = new Tokenizer(join(modelsFolder, id), maxTokens);
    const tokenized = await tokenizer.tokenize(textsOfLanguages.map((text) => prompts.query + text));
    const ids = tokenized.map((answer) => ("ids" in answer ? [...answer.ids] : answer));
    expect(ids).toEqual(expected.query.ids);
    expect(tokenized.filter((answer) => "ids" in answer && answer.tokenCount > maxTokens).length).toBeGreaterThan(10);
  });

  test.each(["fp32", "int8"] as const)(
    "have the same vectors in %s, as queries and as passages",
    { timeout: patience },
    async (dtype) => {
      const [texts, samples] = [textsOfLanguages.slice(0, 40), textsOfLanguages.slice(40, 80)];
      await prepareModel({ model, folder: join(modelsFolder, id), device: "cpu", dtype, texts, samples });
      await using embedder = await startOnnxEmbedder({ model, modelsFolder, device: "cpu" });
      for (const as of ["query", "passage"] as const) {
        const outcomes = await embedAll(embedder, given[as], as);
        const cosines = outcomes.map((outcome, index) => {
          const other = expected[as].vectors[index] ?? [];
          return "vector" in outcome ? outcome.vector.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0) : 0;
        });
        console.info(`${id}, ${dtype}, ${as}: least cosine ${Math.min(...cosines).toFixed(7)}`);
        expect(Math.min(...cosines)).toBeGreaterThan(leastCosines[dtype]);
      }
    },
  );
});
