import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig } from "@reembed/config";
import { profiles } from "@reembed/core";
import { modelFolder } from "@reembed/embedder";
import { searchExactly } from "@reembed/store/search";
import { beforeAll, describe, expect, test } from "vitest";
import { handbook, openCorpus } from "./corpus.ts";
import { measureQuality } from "./measure-quality.ts";
import type { QualityReport } from "./report.ts";
import { Side } from "./side.ts";

// The purpose of the migration, on the real models if their files are here, otherwise on the stand-ins.
const { models } = loadConfig(process.env);
const [baseline, candidate] = [realOr("rubert-tiny2", "mini-rubert"), realOr("bge-m3", "mini-m3")];
const config: Pick<Config, "baseline" | "candidate" | "models"> = { baseline, candidate, models };

describe(`${candidate.name} knows`, () => {
  let side: Side;
  let find: (query: string) => Promise<string[]>;

  beforeAll(async () => {
    await using scope = new AsyncDisposableStack();
    const database = await openCorpus([candidate], scope);
    side = scope.use(await Side.open(database, { profile: candidate, modelsFolder: models.folder }));
    await side.store(database, await side.embedChunks());
    find = async (query) => {
      const vector = await side.embedQuery(query);
      const results = await searchExactly(database, side.registered, vector, { limit: 50, threshold: -1 });
      return [...new Set(results.map(({ uri }) => uri))];
    };
    const opened = scope.move();
    return () => opened[Symbol.asyncDispose]();
  }, 1_800_000);

  test("that two words for pay mean the same", async () => {
    const [one, two] = [await side.embedQuery("зарплата"), await side.embedQuery("заработная плата")];
    expect(one.reduce((sum, value, index) => sum + value * (two[index] ?? 0), 0)).toBeGreaterThan(0.7);
  });

  test.each(["когда выплачивается зарплата", "payday", "Gehalt"])("the text about pay days: %s", async (query) => {
    const documents = await find(query);
    expect(documents.slice(0, 3)).toContain("ru/01-pay-days.md");
  });
});

describe("on the judged queries of the handbook", () => {
  let report: QualityReport;
  beforeAll(async () => {
    ({ report } = await measureQuality(config, handbook, () => {}));
  }, 3_600_000);

  test(`${candidate.name} finds answers better than ${baseline.name}, beyond doubt`, () => {
    expect(report.difference.ndcg10.low).toBeGreaterThan(0);
  });

  test(`${candidate.name} is ahead of BM25 where query and answer share no word`, () => {
    const wordless = report.slices.find(({ name }) => name === "no word in common");
    expect(wordless?.queries).toBeGreaterThan(100);
    expect(wordless?.differenceToBm25.mean).toBeGreaterThan(0);
  });
});

function realOr(name: string, standIn: string) {
  const [real, small] = [name, standIn].map((known) => profiles.get(known));
  if (real === undefined || small === undefined) throw new TypeError(`There is no profile ${name} or ${standIn}`);
  return existsSync(join(modelFolder(real.model, models.folder), "tokenizer.json")) ? real : small;
}
