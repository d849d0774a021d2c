import { openDatabase } from "@reembed/store/database";
import { recordSearches } from "@reembed/store/search";
import { describeOnOneServer, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { profile, TickFixture } from "../test/tick-fixture.ts";

const loadBounds = { replicationLagSeconds: 10, activeSessions: 10_000, searchP95Ms: 1_000 };

describeOnOneServer("a backfill under load", (open, kind) => {
  let on: TickFixture;
  beforeAll(async () => {
    on = await TickFixture.open(await open());
    return () => on[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await on.reset();
    await on.store(20);
  });

  const search = (count: number, tookMs: number, rest: { ageMs?: number; shadowOf?: string } = {}) =>
    recordSearches(
      on.database,
      Array.from({ length: count }, () => ({
        requestId: "00000000-0000-4000-8000-000000000000",
        profile: profile.name,
        shadowOf: null,
        query: null,
        tookMs,
        chunkIds: [],
        scores: [],
        error: null,
        overlap10: null,
        rankCorrelation: null,
        ageMs: 0,
        ...rest,
      })),
    );

  test("pauses while searches are slow: waiting batches are withdrawn, changes continue, and the profile has the reason", async () => {
    expect(await on.tick({ loadBounds })).toMatchObject({ backfill: 6, throttleReason: null });
    await search(30, 4_000);
    const throttleReason = "The 95th percentile of searches is 4,000 ms, more than MAX_SEARCH_P95_MS, 1,000 ms.";
    await on.edit("Text 19", "text 19, edited");
    expect(await on.tick({ loadBounds })).toMatchObject({ withdrawn: 6, changes: 1, backfill: 0, throttleReason });
    await on.embedQueued();
    expect(await on.tick({ loadBounds })).toMatchObject({ state: "throttled", gaps: 0, throttleReason });
    expect((await on.profile()).throttleReason).toBe(throttleReason);
    await on.database.execute(sql`delete from reembed.search_events`);
    expect(await on.tick({ loadBounds })).toMatchObject({ backfill: 6, throttleReason: null });
    expect((await on.profile()).throttleReason).toBeNull();
  });

  test("enqueues one batch at a time near a limit", async () => {
    await search(30, 900);
    expect(await on.tick({ loadBounds })).toMatchObject({
      backfill: 2,
      throttleReason: expect.stringContaining("slowed"),
    });
    expect(await on.tick({ loadBounds })).toMatchObject({ backfill: 0, state: "throttled" });
  });

  test("ignores a small number of searches, those older than a minute, and shadows, for which nobody waits", async () => {
    await search(19, 4_000);
    await search(30, 4_000, { ageMs: 61_000 });
    await search(30, 4_000, { shadowOf: "mini-rubert" });
    expect(await on.tick({ loadBounds })).toMatchObject({ backfill: 6, throttleReason: null });
  });

  test.skipIf(kind === "embedded")("pauses while the database is busy with other sessions", async () => {
    const others = openDatabase({ connectionString: on.servers.connectionString, maxConnections: 6 });
    try {
      const busy = Array.from({ length: 6 }, () => others.execute(sql`select pg_sleep(600)`).catch(() => undefined));
      const bounded = { loadBounds: { ...loadBounds, activeSessions: 5 } };
      // Other suites may be using the same server.
      await waitFor("the sessions to be active", async () =>
        (await on.tick(bounded)).throttleReason?.match(/[6-9]|\d\d, more than/),
      );
      expect(await on.tick(bounded)).toMatchObject({ backfill: 0, state: "throttled" });
      await on.database.execute(
        sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'select pg_sleep(%'`,
      );
      await Promise.all(busy);
      await waitFor("the backfill to continue", async () => (await on.tick(bounded)).backfill > 0);
    } finally {
      await others.$client.end();
    }
  });
});
