import { describeOnOneServer, HashingEmbedder, waitFor } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { baseline, candidate, openSearch, readEvents, type TestSearch, valuesOf } from "./open-search.ts";

describeOnOneServer(
  "a shadow",
  (open) => {
    let search: TestSearch;
    /** When it resolves, the candidate's model answers; when it rejects, the model fails. */
    let gate = Promise.withResolvers<void>();
    beforeAll(async () => {
      const embedder = new HashingEmbedder({ model: candidate.model, beforeMicroBatch: () => gate.promise });
      search = await openSearch(await open(), { embedders: [embedder] });
      await search.roll({ shadowPercent: 100 });
      return () => search[Symbol.asyncDispose]();
    });
    const outcomes = () => valuesOf(search.metrics.shadowSearches);

    test("that hangs does not delay answers, and requests beyond its capacity are dropped and counted", async () => {
      await waitFor("the rollout to be followed", async () => search.logged.some((line) => line.includes('"shadow"')));
      // The candidate's model does not answer before the gate opens: a request that waited for it would never be answered.
      const answers = await Promise.all(
        // Not more than needed: the two that run are cancelled after ten seconds, and a busy machine may be slow.
        Array.from({ length: 56 }, (_, index) => search.ask({ query: `leave ${index}`, threshold: -1 })),
      );
      expect(answers.map(({ profile }) => profile)).toEqual(answers.map(() => baseline.name));
      // Two are running and fifty are waiting.
      await waitFor("the rest to be dropped", async () => (await outcomes()).dropped === 4);

      gate.resolve();
      await waitFor("all that waited", async () => (await outcomes()).compared === 52);
      const shadows = await waitFor("their events", async () => {
        const rows = (await readEvents(search.database)).filter(({ shadow_of }) => shadow_of !== null);
        return rows.length === 52 ? rows : undefined;
      });
      const [first] = shadows;
      expect(first).toMatchObject({
        profile: candidate.name,
        shadow_of: baseline.name,
        overlap10: 1,
        results: 4,
        error: null,
      });
      expect(answers.map(({ requestId }) => requestId)).toContain(first?.request_id);
      const correlations = new Set(shadows.map((row) => row.rank_correlation));
      for (const correlation of correlations) expect(Math.abs(correlation ?? 9)).toBeLessThanOrEqual(1);
      expect(correlations.size).toBeGreaterThan(1);
    });

    test("that fails is recorded as failed, and a request for a profile by name has no shadow", async () => {
      gate = Promise.withResolvers<void>();
      gate.promise.catch(() => undefined);
      gate.reject(new Error("the model chokes"));
      await search.ask({ query: "not shadowed", profile: baseline.name });
      const { requestId } = await search.ask({ query: "pay days and advances" });
      const event = await waitFor("its event", async () => {
        const rows = await readEvents(search.database);
        return rows.find((row) => row.request_id === requestId && row.shadow_of !== null);
      });
      expect(event).toMatchObject({ profile: candidate.name, error: "failed", overlap10: null, results: 0 });
      expect(await outcomes()).toEqual({ compared: 52, dropped: 4, failed: 1 });
    });
  },
  "PostgreSQL",
);
