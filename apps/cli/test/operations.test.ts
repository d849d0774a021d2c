import { storeDocuments } from "@reembed/store/corpus";
import { recordEvaluation } from "@reembed/store/evaluation";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { ensureRollout } from "@reembed/store/rollout";
import { addSpending, setBudget } from "@reembed/store/spending";
import { describeOnEachServer, openTestDatabase, testProfile, waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { startFleet } from "./fleet.ts";

const chunking = { size: 400, overlap: 40 };
const profile = testProfile("mini-m3", chunking);
const secret = "pa55-of-the-database";
const words = "заработная плата выплачивается пятого числа";
const blank = { uri: "blank", title: "", language: "ru", body: " ".repeat(50), metadata: {} };

describeOnEachServer(
  "a producer and a worker with OPERATIONS_PORT",
  (open) => {
    test("serve health, readiness and metrics, and log neither texts nor secrets", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [profile]);
      const body = Array.from({ length: 40 }, (_, index) => `${words}, пункт ${index}`).join(". ");
      await storeDocuments(database, [{ uri: "pay", title: "", language: "ru", body, metadata: {} }, blank]);
      await addSpending(database, profile.name, { tokens: 1_500, price: 2 });
      await setBudget(database, profile.name, 20);
      const pair = { baseline: "mini-rubert", candidate: profile.name };
      await ensureRollout(database, pair);
      const mean = (ndcg: number) => ({ ndcg: { mean: ndcg, low: 0, high: 1 } });
      const quality = { baseline: mean(0.5), candidate: mean(0.75) };
      await recordEvaluation(database, { ...pair, verdict: "better", report: { quality, agreement: null } });
      const url = new URL(servers.connectionString);
      url.password = secret;
      const fleet = startFleet(
        { ...servers, connectionString: url.href },
        { profile: "mini-m3", chunking, workers: 1, settings: { OPERATIONS_PORT: "0" } },
      );
      onTestFinished(() => fleet[Symbol.asyncDispose]());
      const registered = await readProfile(database, profile.name);
      const coverage = await waitFor("nothing to be pending", async () => {
        const now = await readCoverage(database, registered);
        return now.pending === 0 && now.quarantined === 1 ? now : undefined;
      });

      const logLines = () => fleet.logs().flatMap(({ lines }) => lines);
      const ports = await waitFor("both ports", () => {
        const told = logLines().map((line) => JSON.parse(line) as { msg: string; port?: number });
        const found = told.filter(({ msg }) => msg === "health and metrics ready").map(({ port }) => port);
        return found.length === 2 ? found : undefined;
      });
      const get = async (path: string) =>
        await Promise.all(ports.map(async (port) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text()));
      for (const healthy of await get("/healthz")) expect(healthy).toMatch(/^ok, Reembed \d/);
      const readiness = (await get("/readyz")).map((text) => JSON.parse(text) as { ready: boolean; checks: object });
      expect(readiness.map(({ ready }) => ready)).toEqual([true, true]);
      expect(readiness.map(({ checks }) => Object.keys(checks).length).sort()).toEqual([2, 3]);

      const metrics = (await get("/metrics")).join("\n");
      const label = `profile="${profile.name}"`;
      expect(metrics).toContain(`reembed_chunks_total{${label},outcome="embedded"} ${coverage.embedded}`);
      expect(metrics).toContain(`reembed_chunks_total{${label},outcome="quarantined"} 1`);
      expect(metrics).toContain(`reembed_pending_chunks{${label}} 0`);
      for (const value of ["oldest_change_seconds{} 0", "backfill_held{} 0"]) {
        expect(metrics).toContain(`reembed_${value.replace("{}", `{${label}}`)}\n`);
      }
      // A counter is there before it counts: an increase is seen from 0 alone.
      expect(metrics).toContain(`reembed_jobs_total{${label},outcome="failed"} 0`);
      for (const value of ["sent_tokens{} 1500", "cost{} 0.003", "cost_budget{} 20"]) {
        expect(metrics).toContain(`reembed_${value.replace("{}", `{${label}}`)}\n`);
      }
      expect(metrics).toContain(`reembed_evaluation_verdict{${label},verdict="better"} 1`);
      expect(metrics).toContain(`reembed_evaluation_ratio{${label},measure="ndcg"} 0.75`);
      expect(metrics).toContain('reembed_evaluation_ratio{profile="mini-rubert",measure="ndcg"} 0.5');
      expect(metrics).toMatch(new RegExp(`reembed_evaluation_timestamp_seconds\\{${label}\\} \\d{10}`));
      for (const stage of ["read", "tokenise", "infer", "upsert"]) {
        expect(metrics).toMatch(new RegExp(`reembed_stage_seconds_total\\{${label},stage="${stage}"\\} 0?\\.?\\d`));
      }

      const log = logLines().join("\n");
      expect(log).toContain("batch done");
      for (const unwanted of [secret, words, "заработная"]) expect(log).not.toContain(unwanted);
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
