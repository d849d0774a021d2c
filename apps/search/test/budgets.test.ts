import { readRollout } from "@reembed/store/rollout";
import { describeOnEachServer, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { baseline, candidate, openSearch, type TestSearch } from "./open-search.ts";

const guardrails = {
  ...{ windowSeconds: 600, leastSearches: 20, errorMargin: 0.01, emptyMargin: 1, negativeMargin: 1 },
  ...{ p95Ratio: 1_000, p95MarginMs: 600_000 },
};

/** Locks the candidate's vectors, so that everybody who reads them hangs in the database until disposal. */
async function hangCandidate({ database }: TestSearch): Promise<AsyncDisposable> {
  const other = await database.$client.connect();
  await other.query(`begin; lock table reembed."chunk_embeddings_${candidate.name}" in access exclusive mode`);
  return {
    async [Symbol.asyncDispose]() {
      await other.query("rollback");
      other.release();
    },
  };
}

async function countHanging({ database }: TestSearch): Promise<number> {
  const { rows } = await database.execute<{ hanging: number }>(sql`
    select count(*)::int as hanging from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`);
  return rows[0]?.hanging ?? 0;
}

/** Subjects that this profile answers. */
async function subjectsOf(search: TestSearch, profile: string, count: number): Promise<string[]> {
  const subjects: string[] = [];
  for (let number = 0; subjects.length < count; number++) {
    const { rows } = await search.database.execute<{ profile: string }>(
      sql`select reembed.reembed_profile(${`user-${number}`}) as profile`,
    );
    if (rows[0]?.profile === profile) subjects.push(`user-${number}`);
  }
  return subjects;
}

describeOnEachServer(
  "the search while the candidate's statements hang",
  (open) => {
    test("answers from the baseline, cancels searches that take too long, and is rolled back by a guardrail", async () => {
      await using search = await openSearch(await open(), { guardrails, answerMs: 6_000 });
      await search.roll({ percent: 50, shadowPercent: 100 });
      await waitFor("the rollout to be followed", () => search.logged.some((line) => line.includes('"percent":50')));
      const ofBaseline = await subjectsOf(search, baseline.name, 25);
      const ofCandidate = await subjectsOf(search, candidate.name, 25);
      const ask = (subject: string) => search.post("/v1/search", { query: "sick leave", subject });
      await search.ask({ query: "sick leave", subject: ofBaseline[0] });

      await using _hanging = await hangCandidate(search);
      let hanging = ofCandidate.length;
      const failures = ofCandidate.map(async (subject) => {
        const { status } = await ask(subject);
        hanging--;
        return status;
      });
      await waitFor("the candidate's searches to hang", async () => (await countHanging(search)) >= 2);
      // All of these are answered before the first of the candidate's searches times out, because they share no connection.
      const answered = await Promise.all(ofBaseline.slice(0, 5).map(ask));
      expect(answered.map(({ status }) => status)).toEqual(Array(5).fill(200));
      expect(hanging).toBeGreaterThan(0);
      expect(new Set(await Promise.all(failures))).toEqual(new Set([503]));
      // Two shadows may remain, which have ten seconds and connections of their own.
      await waitFor("searches that timed out to be cancelled", async () => (await countHanging(search)) <= 2);

      for (const subject of ofBaseline) expect((await ask(subject)).status).toBe(200);
      await waitFor("the guardrail to roll back", async () => (await readRollout(search.database)).percent === 0);
    });

    test("answers from the baseline while a shadow waits for how much of the candidate is there", async () => {
      await using search = await openSearch(await open());
      await search.roll({ shadowPercent: 100 });
      await waitFor("the rollout to be followed", () =>
        search.logged.some((line) => line.includes('"shadowPercent":100')),
      );
      await using _hanging = await hangCandidate(search);
      await search.ask({ query: "sick leave" });
      await waitFor("the shadow to hang", async () => (await countHanging(search)) === 1);
      // How much of the baseline is there is read anew each second.
      for (const end = performance.now() + 2_500; performance.now() < end; ) await search.ask({ query: "sick leave" });
    });
  },
  ["PostgreSQL"],
);
