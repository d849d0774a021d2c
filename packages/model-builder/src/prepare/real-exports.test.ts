import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestModel, texts, writeTestModel } from "@reembed/testing/encoders";
import { exportEncoders, realModelsMissing } from "@reembed/testing/real-models";
import { beforeAll, describe, expect, test } from "vitest";
import { prepareModel } from "./prepare-model.ts";

const because = realModelsMissing === undefined ? "" : ` (skipped: ${realModelsMissing})`;
/** Twenty exports of PyTorch and Optimum take minutes on a busy machine. */
const patience = 1_800_000;

describe.skipIf(realModelsMissing !== undefined)(`an encoder that users export${because}`, () => {
  let exported: string;
  let words: TestModel;

  beforeAll(async () => {
    exported = await mkdtemp(join(tmpdir(), "reembed-exports-"));
    words = await writeTestModel("bert", "model.safetensors", "mean");
    await exportEncoders(exported);
    return async () => {
      await words[Symbol.asyncDispose]();
      await rm(exported, { recursive: true });
    };
  }, patience);

  const cases = ["bert", "distilbert", "mpnet", "roberta", "xlm-roberta"].flatMap((encoder) =>
    ["", "-legacy", "-dynamo", "-optimum", "-optimizer"].map((exporter) => ({ encoder, exporter })),
  );

  test.each(cases)("has the vectors of its export when it is prepared: $encoder$exporter", async (of) => {
    const folder = join(exported, of.encoder + of.exporter);
    // Its own tokenizer would be of no use: it has fifty tokens.
    await cp(join(words.folder, "tokenizer.json"), join(folder, "tokenizer.json"));
    const config = join(exported, of.encoder, "config.json");
    if (of.exporter !== "") await cp(config, join(folder, "config.json"));
    const options = { model: words.model, folder, device: "cpu", texts, samples: texts.slice(0, 8) } as const;
    const { reference, fidelity } = await prepareModel({ ...options, dtype: "fp32" });
    expect(reference).toBe(of.exporter === "" ? "weights" : "export");
    expect(fidelity.leastCosine).toBeGreaterThan(0.99999);
  });
});
