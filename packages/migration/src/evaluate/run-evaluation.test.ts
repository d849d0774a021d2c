import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig, withProfiles } from "@reembed/config";
import { startOnnxEmbedder } from "@reembed/embedder";
import { createLogger } from "@reembed/runtime";
import { storeDocuments } from "@reembed/store/corpus";
import { lastEvaluation } from "@reembed/store/evaluation";
import { readProfile } from "@reembed/store/profiles";
import { recordSearches } from "@reembed/store/search";
import { describeOnEachServer, folderOf, openTestDatabase } from "@reembed/testing";
import { expect, test } from "vitest";
import { embedAll } from "../../test/evaluate-fixtures.ts";
import { readCorpus } from "../load/read-corpus.ts";
import { handbook } from "../load/sample-texts.ts";
import { type RunOptions, runEvaluation } from "./run-evaluation.ts";

const config = withProfiles(loadConfig({ BASELINE_PROFILE: "mini-rubert", CANDIDATE_PROFILE: "mini-m3" }));

describeOnEachServer(
  "reembed evaluate",
  (open) => {
    // Starts a model six times, which took 45 s with twenty processes on two cores.
    test("logged queries give a sheet, and the filled sheet gives judgements, from which a verdict is stored", async () => {
      await using database = await openTestDatabase(await open(), [config.baseline, config.candidate], 2);
      const entries = await Array.fromAsync(readCorpus(handbook));
      const documents = entries.flatMap((entry) => (entry.kind === "document" ? entry.document : []));
      const pages = documents.filter(({ uri }) => /^ru\/0[1-4]/.test(uri));
      await storeDocuments(database, pages);
      for (const { name, model } of [config.baseline, config.candidate]) {
        await using embedder = await startOnnxEmbedder({ model, modelsFolder: config.models.folder, device: "cpu" });
        await embedAll(database, await readProfile(database, name), embedder);
      }
      const run = (options: Partial<RunOptions>) =>
        runEvaluation(database, config, {
          ...{ sample: 100, k: 10, grid: false, search: "exact", device: "cpu" },
          ...{ log: createLogger("silent"), progress: () => {} },
          ...options,
        });
      await expect(run({ sheet: "sheet.tsv" })).rejects.toMatchObject({ code: "queries_missing", exitCode: 2 });

      const unseen = { shadowOf: null, error: null, overlap10: null, rankCorrelation: null };
      const event = { profile: "mini-m3", tookMs: 1, chunkIds: [], scores: [], ageMs: 0, ...unseen };
      const asked = ["когда выплачивается зарплата", "сколько дней отпуска"];
      await recordSearches(
        database,
        asked.map((query) => ({ ...event, query, requestId: crypto.randomUUID() })),
      );
      const sheet = join(await folderOf({}), "sheet.tsv");
      const unjudged = await run({ sheet });
      expect(unjudged).toMatchObject({ verdict: "unjudged", queries: { source: "logged", count: 2 } });
      expect(unjudged.notes.join("\n")).toContain(`reembed evaluate --qrels ${sheet} --k 5`);

      // Every text about pay days is graded as an answer, and no other.
      const [head = "", ...rows] = (await readFile(sheet, "utf8")).trimEnd().split("\n");
      const columns = head.split("\t");
      const graded = rows.map((row) => {
        const cells = row.split("\t");
        for (const side of ["a", "b"]) {
          const document = cells[columns.indexOf(`${side}-document`)];
          if (document !== "") cells[columns.indexOf(`${side}-grade`)] = document === "ru/01-pay-days.md" ? "2" : "0";
        }
        return cells.join("\t");
      });
      await writeFile(sheet, [head, ...graded, ""].join("\n"));
      const judged = await run({ qrels: sheet, k: 5, grid: true });
      expect(judged).toMatchObject({ queries: { source: "judged", count: 2 }, quality: { k: 5 } });
      expect(judged.causes).toMatchObject({ kind: "measured", cells: { candidateModel: { builtIn: "memory" } } });
      expect(await lastEvaluation(database, { baseline: "mini-rubert", candidate: "mini-m3" })).toMatchObject({
        verdict: judged.verdict,
        report: { quality: { k: 5 } },
      });
    }, 120_000);
  },
  ["PostgreSQL"],
);
