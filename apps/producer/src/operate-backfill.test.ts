import { beforeFirstId } from "@reembed/core";
import { pauseBackfill, resumeBackfill } from "@reembed/migration/backfill";
import { startEmbedWorker } from "@reembed/queue";
import { openDatabase } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { setPaused } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { recordSearches } from "@reembed/store/search";
import { describeOnOneServer, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { profile, settings, TickFixture } from "../test/tick-fixture.ts";
import { tick } from "./tick.ts";

describeOnOneServer("a backfill's settings", (open) => {
  let on: TickFixture;
  beforeAll(async () => {
    on = await TickFixture.open(await open());
    return () => on[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await on.reset();
    await on.store(20);
  });

  const pause = async () => pauseBackfill(on, await on.profile(), { by: "anna", reason: "" });
  const resume = async () => resumeBackfill(on, await on.profile(), { by: "anna", reason: "" });

  /** Ticks and embeds until the end. Returns the ids in the order in which they got their vectors. */
  async function embedRest(): Promise<number[]> {
    const embedded: number[] = [];
    while ((await on.tick()).state !== "complete") {
      embedded.push(...(await on.embedQueued()));
      if (embedded.length > 40) throw new Error("chunks are embedded repeatedly");
    }
    return embedded;
  }

  test("the newest chunks come first, and every chunk once", async () => {
    const ids = await on.chunkIds();
    await on.start({ order: "newest" });
    await on.tick();
    expect(await on.queuedIds()).toEqual(ids.toReversed().slice(0, 6));
    const first = await on.embedQueued();
    expect([...first, ...(await embedRest())].toSorted((a, b) => a - b)).toEqual(ids);
  });

  test("a completed backfill starts again if vectors were lost, and is refused if they exist", async () => {
    await on.finish();
    await expect(on.start()).rejects.toMatchObject({ code: "backfill_over" });
    const [lost] = await on.chunkIds();
    await on.database.execute(sql`delete from reembed.chunk_embeddings where chunk_id = ${lost}`);
    await on.start({ order: "newest" });
    expect((await on.profile()).state).toBe("backfilling");
    expect(await embedRest()).toEqual([lost]);
  });

  test("a job that is not a batch prevents neither ticks nor the withdrawal of a paused backfill", async () => {
    await on.start();
    await on.tick();
    await on.queue.bullmq.add("backfill", { profile: profile.name, kind: "backfill" } as never);
    await on.queue.bullmq.add("backfill", { profile: profile.name, kind: "backfill", chunkIds: "all" } as never);
    expect(await pause()).toBe(6);
    expect(await on.tick()).toMatchObject({ state: "paused", withdrawn: 0 });
    await resume();
    expect(await on.tick()).toMatchObject({ backfill: 2 });
  });

  test("a change of order during the backfill skips no chunk and embeds none twice", async () => {
    const embedded: number[] = [];
    for (const order of ["id", "newest", "id", "newest"] as const) {
      await on.start({ order });
      await on.tick({ maxQueuedJobs: 2 });
      embedded.push(...(await on.embedQueued()));
    }
    const ids = await on.chunkIds();
    expect(new Set(embedded)).toEqual(new Set([...ids.slice(0, 8), ...ids.slice(-8)]));
    embedded.push(...(await embedRest()));
    expect(embedded.toSorted((a, b) => a - b)).toEqual(ids);
  });

  test("the chunks that searches found most often go first, whichever profile answered, and an edited one as a change", async () => {
    await registerProfiles(on.database, [testProfile("mini-rubert")]);
    const other = sql.raw((await readProfile(on.database, "mini-rubert")).relation);
    await on.database.execute(sql`
      insert into ${other} (chunking, document_id, position, start_offset, end_offset, content)
      select '1500-150', id, 0, 0, char_length(body), body from reembed.documents`);
    const found = async (title: string) => {
      const { rows } = await on.database.execute<{ id: string }>(
        sql`select c.id from ${other} c join reembed.documents d on d.id = c.document_id where d.title = ${title}`,
      );
      return Number(rows[0]?.id);
    };
    const search = { shadowOf: null, query: null, tookMs: 1, scores: [], error: null, overlap10: null };
    const rest = { ...search, rankCorrelation: null, ageMs: 0, profile: "mini-rubert" };
    const requestId = "00000000-0000-4000-8000-000000000000";
    const [often, once, edited] = [await found("Text 17"), await found("Text 3"), await found("Text 9")];
    const searches = [[often, edited, once], [often, edited], [often]];
    await recordSearches(
      on.database,
      searches.map((chunkIds) => ({ ...rest, requestId, chunkIds })),
    );

    const ids = [await on.chunkOf("Text 17"), await on.chunkOf("Text 9"), await on.chunkOf("Text 3")];
    await on.start({ order: "most-searched" });
    expect((await on.tick({ maxQueuedJobs: 1 })).backfill).toBe(2);
    expect(await on.queuedIds()).toEqual(ids.slice(0, 2));
    // Pausing withdraws them too. An edit makes one of them a change, which continues.
    await pause();
    expect(await on.queuedIds()).toEqual([]);
    await on.edit("Text 9", "text 9, edited");
    expect(await on.tick()).toMatchObject({ state: "enqueuing", changes: 1, backfill: 0 });
    await resume();
    await on.tick({ maxQueuedJobs: 2 });
    expect(await on.queuedIds()).toEqual([ids[1], ids[0], ids[2]]);
    const embedded = [...(await on.embedQueued()), ...(await embedRest())];
    expect(embedded.length).toBe(20);
    await on.database.execute(sql`delete from ${other}`);
  });

  test("a backfill stops at its share, says so, and continues when it is started again", async () => {
    await on.start({ until: 0.3 });
    expect(await on.tick({ maxQueuedJobs: 2 })).toMatchObject({ backfill: 4 });
    // Another producer counts on its own, and includes what the first one enqueued.
    await using other = Object.assign(openDatabase({ connectionString: on.servers.connectionString }), {
      [Symbol.asyncDispose]: () => other.$client.end(),
    });
    const report = await tick(other, on.queue, profile.name, { ...settings, maxQueuedJobs: 10 });
    expect(report).toMatchObject({ backfill: 2 });
    await on.embedQueued();
    const throttleReason = expect.stringContaining("30 %");
    expect(await on.tick()).toMatchObject({ state: "throttled", backfill: 0, gaps: 0, throttleReason });
    expect(await on.profile()).toMatchObject({ state: "backfilling", throttleReason });
    await on.start();
    expect(await on.tick()).toMatchObject({ backfill: 6, throttleReason: null });
    expect((await on.profile()).throttleReason).toBeNull();
  });

  test("a rate enqueues its share per tick, and chunks that are still waiting count against the next tick", async () => {
    await on.start({ rate: 4 });
    expect(await on.tick({ maxQueuedJobs: 100 })).toMatchObject({
      backfill: 4,
      throttleReason: "It is limited to 4 chunks/s.",
    });
    expect(await on.tick({ maxQueuedJobs: 100 })).toMatchObject({ state: "throttled", backfill: 0 });
    await on.embedQueued();
    expect(await on.tick({ maxQueuedJobs: 100 })).toMatchObject({ backfill: 4 });
  });

  test("a pause withdraws waiting batches, and after it every chunk is embedded once", async () => {
    await on.tick();
    const ids = await on.chunkIds();
    expect(await pause()).toBe(6);
    expect(await on.queuedIds()).toEqual([]);
    expect((await on.profile()).backfillCursor).toBe((ids[0] ?? 0) - 1);
    expect(await on.tick()).toMatchObject({ state: "paused", backfill: 0 });
    await resume();
    expect((await embedRest()).toSorted((a, b) => a - b)).toEqual(ids);
  });

  test("changes are embedded while the backfill is paused", async () => {
    await on.tick();
    await pause();
    await on.edit("Text 19", "text 19, edited");
    expect(await on.tick()).toMatchObject({ changes: 1, backfill: 0 });
    expect(await on.embedQueued()).toHaveLength(1);
    expect(await on.tick()).toMatchObject({ state: "paused", changes: 0 });
  });

  test("a tick that finds the profile paused withdraws the batches that another tick enqueued", async () => {
    await on.tick();
    await setPaused(on.database, await on.profile(), true);
    expect(await on.tick()).toMatchObject({ state: "paused", withdrawn: 6 });
    expect(await on.queuedIds()).toEqual([]);
    await resume();
    expect((await embedRest()).length).toBe(20);
  });

  test("a crash between withdrawing jobs and moving the cursor back loses nothing", async () => {
    await on.tick();
    const { backfillCursor } = await on.profile();
    await pause();
    await on.database.execute(sql`update reembed.profiles set backfill_cursor = ${backfillCursor}`);
    await resume();
    expect((await embedRest()).length).toBe(20);
  });

  test.each([
    ["paused", async () => {}],
    ["paused and resumed", resume],
  ])("a tick under way while the backfill is %s does not move the cursor past what was withdrawn", async (_, then) => {
    await on.start();
    const { addBulk } = on.queue.bullmq;
    on.queue.bullmq.addBulk = async (...jobs) => {
      const added = await addBulk.apply(on.queue.bullmq, jobs);
      await pause();
      await then();
      return added;
    };
    await on.tick();
    on.queue.bullmq.addBulk = addBulk;
    expect((await on.profile()).backfillCursor).toBe(beforeFirstId);
    await resume();
    expect((await embedRest()).length).toBe(20);
  });

  test("a batch that a worker is processing when the backfill is paused is finished", async () => {
    await on.tick();
    const taken = Promise.withResolvers<number[]>();
    const goOn = Promise.withResolvers<void>();
    const done: number[] = [];
    const worker = startEmbedWorker(
      on.servers.queue,
      profile.name,
      async ({ chunkIds }) => {
        taken.resolve(chunkIds);
        await goOn.promise;
        done.push(...(await on.embed(chunkIds)));
        return { embedded: 2, reused: 0, stale: 0, quarantined: 0, tokens: 0, truncatedTokens: 0 };
      },
      { concurrency: 1, lockDurationMs: 30_000, onError: () => {} },
    );
    try {
      const inHand = await taken.promise;
      expect(await pause()).toBe(4);
      goOn.resolve();
      await waitFor("the running batch", () => done.length === 2);
      expect(done.toSorted((a, b) => a - b)).toEqual(inHand);
      await waitFor("the queue to be empty", async () => (await on.queue.counts()).active === 0);
      expect(await on.tick()).toMatchObject({ state: "paused", backfill: 0 });
    } finally {
      await worker.close();
    }
    await resume();
    expect((await embedRest()).length).toBe(18);
  });
});
