import { type RolloutStage, withPercent } from "@reembed/core";
import { recordEvaluation } from "@reembed/store/evaluation";
import { changeRollout, ensureRollout, guardrailName, readRollout } from "@reembed/store/rollout";
import { recordSearches } from "@reembed/store/search";
import { describeOnOneServer, waitFor } from "@reembed/testing";
import { expect, test } from "vitest";
import { openDashboard } from "./open-dashboard.ts";

const pair = { baseline: "mini-rubert", candidate: "mini-m3" };
const interval = (mean: number) => ({ ndcg: { mean, low: mean - 0.05, high: mean + 0.05 } });

describeOnOneServer(
  "the overview's rollout",
  (open) => {
    test("shows the share, both profiles' figures, who changed it and why, the last breach and the last evaluation", async () => {
      await using dashboard = await openDashboard(await open());
      const { database } = dashboard;
      const read = async () =>
        (await (await dashboard.get("/")).text()).match(/<section id="rollout".*?<\/section>/s)?.[0];
      expect(await read()).toBeUndefined();
      await ensureRollout(database, pair);
      const begun = await readRollout(database);
      const canary = await changeRollout(database, begun, withPercent(begun, 10), { by: "<anna>", reason: "a try" });
      const back = { ...begun, stage: "rolled back" as RolloutStage };
      await changeRollout(database, canary, back, { by: guardrailName, reason: "10.0 % of 300 searches failed" });
      await recordEvaluation(database, {
        ...pair,
        verdict: "better",
        report: { quality: { k: 10, baseline: interval(0.5), candidate: interval(0.6), difference: interval(0.1) } },
      });
      await recordSearches(
        database,
        [null, "model_failed"].map((error) => ({
          ...{
            requestId: crypto.randomUUID(),
            profile: pair.candidate,
            shadowOf: null,
            query: null,
            tookMs: 42,
            error,
          },
          ...{ chunkIds: [], scores: [], overlap10: null, rankCorrelation: null, ageMs: 0 },
        })),
      );
      // The overview is up to a second old.
      const section = await waitFor("the searches", async () => {
        const now = await read();
        return now?.includes("42 ms") ? now.replaceAll(/\d+ s ago/g, "now") : undefined;
      });
      for (const text of [
        "Rolled back: mini-rubert answers everybody.",
        "A guardrail rolled back from 10 % now: 10.0 % of 300 searches failed",
        "&lt;anna&gt;",
        "better, nDCG@10 from 0.500 to 0.600, a difference between 0.050 and 0.150.",
        '<th scope="row">mini-m3</th><td class="number">2</td><td class="number">42 ms</td><td class="number">50.0 %</td><td class="number">100.0 %</td>',
      ]) {
        expect(section).toContain(text);
      }
    });

    test("shows how far each guardrail's measure is from what it allows, while people get the candidate's answers", async () => {
      await using dashboard = await openDashboard(await open());
      const { database } = dashboard;
      await ensureRollout(database, pair);
      const begun = await readRollout(database);
      await changeRollout(database, begun, withPercent(begun, 10), { by: "anna", reason: "a try" });
      const answer = {
        shadowOf: null,
        query: null,
        chunkIds: [1],
        scores: [1],
        overlap10: null,
        rankCorrelation: null,
        ageMs: 0,
      };
      const searches = Object.values(pair).flatMap((profile) =>
        Array.from({ length: 300 }, (_, index) => ({
          ...{ ...answer, profile, requestId: crypto.randomUUID(), tookMs: 42 },
          error: profile === pair.candidate && index < 30 ? "model_failed" : null,
        })),
      );
      await recordSearches(database, searches);
      const rows = await waitFor("the guardrails", async () => {
        const page = await (await dashboard.get("/")).text();
        return page.match(/<table id="rollout-guardrails">.*?<tbody>(.*?)<\/tbody>/s)?.[1];
      });
      const cells = (row: string) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text]) => text);
      expect(rows.split("</tr>").slice(0, -1).map(cells)).toEqual([
        ["Failed, more than the baseline", "10.0 %", "5.0 % to 16.4 %", "1.0 %", ""],
        ["Empty, more than the baseline", "0.0 %", "-2.9 % to 3.2 %", "5.0 %", ""],
        ["p95", "42 ms", "42 ms to 42 ms", "292 ms", ""],
      ]);
      expect(rows).toContain('<rect class="quarantined"');
    });
  },
  "PostgreSQL",
);
