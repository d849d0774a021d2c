import type { JudgedQuery } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import { describeOnOneServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { embedAll, numberIn, planeEmbedder } from "../../test/evaluate-fixtures.ts";
import { type EvaluateOptions, evaluateProfiles } from "./evaluate-profiles.ts";
import { matchJudgements } from "./match-judgements.ts";

const rubert = testProfile("mini-rubert");
const m3 = testProfile("mini-m3");
const count = 40;

/** Text n is at 2n degrees. A query n is nearest to text n with the candidate; with the baseline, n is its third neighbour. */
const places = (shift: number) => (text: string) => 2 * numberIn(text) + (text.startsWith("ask") ? shift : 0);
const embedders = {
  baseline: planeEmbedder(rubert.model, places(2.5)),
  candidate: planeEmbedder(m3.model, places(0.5)),
};

const ask = (number: number, language?: string): JudgedQuery => ({
  id: `q${number}`,
  text: `ask ${number}`,
  language,
  judgements: number < count ? [{ document: `text-${number}`, grade: 2 }] : [],
});

describeOnOneServer(
  "an evaluation",
  (open) => {
    let database: Database;
    let profiles: { baseline: RegisteredProfile; candidate: RegisteredProfile };
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [rubert, m3], 2);
      await storeBodies(
        database,
        Array.from({ length: count }, (_, index) => `text ${index}`),
      );
      profiles = {
        baseline: await readProfile(database, rubert.name),
        candidate: await readProfile(database, m3.name),
      };
      await embedAll(database, profiles.baseline, embedders.baseline);
      await embedAll(database, profiles.candidate, embedders.candidate);
      return () => database.$client.end();
    });

    async function evaluate(queries: readonly JudgedQuery[], options: Partial<EvaluateOptions> = {}) {
      return (await evaluateProfiles({ database, ...profiles, embedders, queries, source: "judged", ...options }))
        .report;
    }

    test("an answer in third place counts half of one in first place, for every query and language", async () => {
      const report = await evaluate([ask(10, "ru"), ask(20, "ru"), ask(30)]);
      expect(report).toMatchObject({
        verdict: "better",
        queries: { source: "judged", count: 3, answerable: 3, unanswerable: 0 },
        baseline: { profile: "mini-rubert", chunks: count },
        proxies: null,
      });
      const of = (side: "baseline" | "candidate" | "difference") => report.quality?.[side];
      expect(of("baseline")).toMatchObject({ ndcg: { mean: 0.5 }, recall: { mean: 1 } });
      expect(of("baseline")?.precision.mean).toBeCloseTo(0.1, 12);
      expect(of("baseline")?.mrr.mean).toBeCloseTo(1 / 3, 12);
      expect(of("candidate")).toMatchObject({ ndcg: { mean: 1 }, recall: { mean: 1 }, mrr: { mean: 1 } });
      expect(of("difference")?.ndcg).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
      expect(report.quality?.slices).toMatchObject([
        { language: "ru", queries: 2, difference: { mean: 0.5 } },
        { language: null, queries: 1, difference: { mean: 0.5 } },
      ]);
      expect(report.examples).toMatchObject({
        better: [{ query: "ask 10", language: "ru", ndcg: { baseline: 0.5, candidate: 1 } }, {}, {}],
        ...{ worse: [], changed: [] },
      });
      expect(report.examples.better[0]?.candidate[0]).toEqual({ uri: "text-10", title: expect.any(String) });
      const atTwo = await evaluate([ask(10)], { k: 2 });
      expect(atTwo.quality).toMatchObject({ k: 2, baseline: { ndcg: { mean: 0 } }, candidate: { ndcg: { mean: 1 } } });
    });

    test("with the profiles exchanged the candidate is worse, and against itself the verdict is undecided", async () => {
      const swapped = { baseline: embedders.baseline, candidate: planeEmbedder(m3.model, places(4.5)) };
      expect((await evaluate([ask(10), ask(20)], { embedders: swapped })).verdict).toBe("worse");
      const equal = { baseline: embedders.baseline, candidate: planeEmbedder(m3.model, places(2.5)) };
      expect((await evaluate([ask(10), ask(20)], { embedders: equal })).verdict).toBe("undecided");
    });

    test("the whole difference is attributed to the model, whether crossed profiles are stored or built in memory", async () => {
      const queries = [ask(10), ask(20)];
      const unbuilt = await evaluate(queries);
      expect(unbuilt.causes).toMatchObject({
        kind: "missing",
        missing: [
          { profile: "mini-rubert-6000-300", chunks: count },
          { profile: "mini-m3-1500-150", chunks: count },
        ],
      });
      const stored = testProfile("mini-m3", rubert.chunking);
      await registerProfiles(database, [stored]);
      await embedAll(database, await readProfile(database, stored.name), embedders.candidate);
      const { causes } = await evaluate(queries, { grid: true });
      expect(causes).toMatchObject({
        kind: "measured",
        cells: {
          baselineModel: { profile: "mini-rubert-6000-300", builtIn: "memory", ndcg: { mean: 0.5 } },
          candidateModel: { profile: "mini-m3-1500-150", builtIn: "database", ndcg: { mean: 1 } },
        },
        effects: { model: { mean: 0.5 }, chunking: { mean: 0 }, interaction: { mean: 0 } },
      });
    });

    test("without judgements answers are compared with each other, and the threshold keeps the share with results", async () => {
      const queries = [ask(10), ask(20), ask(60)].map((query) => ({ ...query, judgements: [] }));
      const report = await evaluate(queries, { source: "given" });
      expect(report).toMatchObject({ verdict: "unjudged", quality: null, causes: null });
      // Of the ten around 11.25 and 10.25, nine are the same; 60 is beyond the last text, where both find the last ten.
      expect(report.agreement?.overlap10.mean).toBeCloseTo((0.9 + 0.9 + 1) / 3, 12);
      expect(report.examples).toMatchObject({
        better: [],
        worse: [],
        changed: [{ query: "ask 10", ndcg: null }, { query: "ask 20" }],
      });
      expect(report.thresholds).toMatchObject({ rule: "same share", baseline: { threshold: 0.4, shown: 1 } });
    });

    test("an unanswerable query is misled by results above the threshold, and is in no mean", async () => {
      // 80 is at 160 degrees, 82 degrees from the last text: its best scores are cos 82.5 and cos 84.5.
      const report = await evaluate([ask(10), ask(80)]);
      expect(report.queries).toMatchObject({ answerable: 1, unanswerable: 1 });
      expect(report.quality?.candidate.ndcg.mean).toBe(1);
      expect(report.thresholds).toMatchObject({
        rule: "no more misled",
        baseline: { answered: 1, misled: 0 },
        proposed: { threshold: 0.99, answered: 1, misled: 0 },
      });
    });

    test("a profile that lacks vectors is refused, with their number", async () => {
      await database.execute(sql`delete from reembed.chunk_embeddings where profile = ${m3.name} and chunk_id in
        (select chunk_id from reembed.chunk_embeddings where profile = ${m3.name} limit 1)`);
      await expect(evaluate([ask(10)])).rejects.toMatchObject({
        code: "profile_uncovered",
        exitCode: 3,
        message: "mini-m3 has vectors for 39 of 40 chunks, and cannot find the others.",
      });
      await embedAll(database, profiles.candidate, embedders.candidate);
    });

    test("judgements of texts that are not in the database are reported up to 1 % and refused above", async () => {
      const queries = Array.from({ length: 200 }, (_, index) => ask(index % count));
      const lost = { ...ask(1), judgements: [{ document: "gone", grade: 2 }] };
      const beyond = { ...ask(2), judgements: [{ document: "text-2", grade: 1, span: { start: 0, end: 7 } }] };
      const matched = await matchJudgements(database, [...queries, lost, beyond, ask(50)]);
      expect(matched.queries).toEqual([...queries, ask(50)]);
      expect(matched.notes).toEqual([
        "2 of 202 judgements refer to no text in the database: gone, text-2 up to 7. They are left out.",
      ]);
      await expect(matchJudgements(database, [...queries, lost, beyond, lost])).rejects.toMatchObject({
        code: "judgements_unmatched",
        exitCode: 3,
      });
    });
  },
  "PostgreSQL",
);
