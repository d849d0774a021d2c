import { storeDocuments } from "@reembed/store/corpus";
import { readCoverage } from "@reembed/store/progress";
import { embeddingsPartition } from "@reembed/store/schema";
import { describeOnOneServer, storeBodies } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { profile, TickFixture } from "../test/tick-fixture.ts";
import type { TickReport } from "./tick.ts";

describeOnOneServer("a tick", (open) => {
  let on: TickFixture;
  beforeAll(async () => {
    on = await TickFixture.open(await open());
    return () => on[Symbol.asyncDispose]();
  });
  beforeEach(() => on.reset());

  const countVectors = async () => {
    const { rows } = await on.database.execute<{ vectors: number }>(
      sql`select count(*)::int as vectors from reembed.chunk_embeddings`,
    );
    return rows[0]?.vectors;
  };

  test("waits for the first document", async () => {
    expect(await on.tick()).toMatchObject({ state: "no chunks yet", backfill: 0 });
  });

  test("fills the queue up to its limit, in the order of ids", async () => {
    await on.store(20);
    expect(await on.tick()).toMatchObject({ state: "enqueuing", backfill: 6 });
    expect(await on.tick()).toMatchObject({ state: "queue is full", backfill: 0 });
    expect(await on.queuedIds()).toEqual((await on.chunkIds()).slice(0, 6));
    expect((await on.profile()).backfillCursor).toBe((await on.queuedIds()).at(-1));
  });

  test("enqueues the whole corpus, and reports once that it is complete", async () => {
    await on.store(20);
    const reports = await on.finish();
    expect(reports.reduce((sum, report) => sum + report.backfill, 0)).toBe(20);
    expect([reports.at(-1)?.completed, (await on.tick()).completed]).toEqual([true, false]);
  });

  test("enqueues chunks that were edited or inserted meanwhile before the backfill", async () => {
    await on.store(20);
    await on.tick();
    await on.queue.bullmq.obliterate({ force: true });
    await storeBodies(on.database, ["text 0, edited"]);
    await storeDocuments(on.database, [{ uri: "new", title: "", language: "ru", body: "new text", metadata: {} }]);
    expect(await on.tick()).toMatchObject({ changes: 2, backfill: 4 });
    const jobs = await on.queue.bullmq.getJobs(["prioritized"], 0, -1, true);
    expect(jobs.map((job) => job.data.kind)).toEqual(["changes", "backfill", "backfill"]);
  });

  test("does not enqueue a change again while it is in the queue", async () => {
    await on.store(2);
    await on.finish();
    await storeBodies(on.database, ["text 0, edited"]);
    expect((await on.tick()).changes).toBe(1);
    expect(await on.tick()).toMatchObject({ changes: 0, state: "waiting for workers" });
  });

  test("enqueues a change again at once if the queue has lost it", async () => {
    await on.store(2);
    await on.finish();
    await storeBodies(on.database, ["text 0, edited"]);
    await on.tick();
    await on.queue.bullmq.obliterate({ force: true });
    expect((await on.tick()).changes).toBe(1);
  });

  test("enqueues every chunk again after the queue was lost in the middle of the backfill", async () => {
    await on.store(20);
    await on.tick();
    await on.queue.bullmq.obliterate({ force: true });
    const reports = await on.finish();
    expect(reports.reduce((sum, report) => sum + report.gaps, 0)).toBe(6);
    expect(await countVectors()).toBe(20);
  });

  test("finds vectors that were lost after the backfill, and has them embedded again while edits wait", async () => {
    await on.store(20);
    await on.finish();
    expect(await on.tick({ countEveryMs: 0 })).toMatchObject({ state: "complete", gaps: 0 });
    await on.database.execute(sql.raw(`truncate ${embeddingsPartition(profile.name)}`));
    await on.edit("Text 0", "text 0, edited");
    expect(await on.tick({ countEveryMs: 0 })).toMatchObject({ state: "vectors lost", gaps: 19 });
    expect(await on.profile()).toMatchObject({ state: "backfilling", wasComplete: false });
    await on.finish();
    expect(await on.profile()).toMatchObject({ state: "backfilled", wasComplete: true });
    expect(await countVectors()).toBe(20);
  });

  test("a profile whose corpus grew by a load that no trigger recorded was complete before, and so was one that lost few vectors", async () => {
    await on.store(4);
    await on.finish();
    await on.store(24);
    await on.database.execute(sql`delete from reembed.chunk_changes`);
    expect(await on.tick({ countEveryMs: 0 })).toMatchObject({ state: "vectors lost", gaps: 20 });
    expect(await on.profile()).toMatchObject({ state: "backfilling", wasComplete: true });
    await on.finish();
    const [, second] = await on.chunkIds();
    await on.database.execute(sql`delete from reembed.chunk_embeddings where chunk_id = ${second}`);
    expect(await on.tick({ countEveryMs: 0 })).toMatchObject({ state: "vectors lost", gaps: 1 });
    expect(await on.profile()).toMatchObject({ state: "backfilling", wasComplete: true });
  });

  test("completes although there is an edit between any two ticks, and reports how long the oldest waits", async () => {
    await on.store(4);
    await on.tick();
    await on.embedQueued();
    const reports: TickReport[] = [];
    for (let edits = 0; edits < 6; edits++) {
      await on.edit("Text 0", `text 0, edited ${edits} times`);
      reports.push(await on.tick());
    }
    expect(reports.filter(({ completed }) => completed).length).toBe(1);
    expect((await on.profile()).state).toBe("backfilled");
    const { pending, changes, oldestChangeSeconds } = await readCoverage(on.database, await on.profile());
    expect({ pending, changes }).toEqual({ pending: 1, changes: 1 });
    expect(oldestChangeSeconds).toBeGreaterThanOrEqual(0);
  });

  test("does not complete while a chunk without a vector is queued or being processed", async () => {
    await on.store(4);
    await on.tick();
    const lost = await on.queuedIds();
    expect(await on.tick()).toMatchObject({ state: "waiting for workers", completed: false });
    await on.queue.bullmq.obliterate({ force: true });
    expect(await on.tick()).toMatchObject({ state: "gaps found", gaps: 4 });
    expect(await on.tick()).toMatchObject({ changes: 4, completed: false });
    expect(await on.tick()).toMatchObject({ state: "waiting for workers", completed: false });
    await on.embed(lost);
    expect(await on.tick()).toMatchObject({ completed: true });
  });

  test("a crash between enqueueing and moving the cursor skips no chunk", async () => {
    await on.store(4);
    await on.tick();
    await on.database.execute(sql`update reembed.profiles set backfill_cursor = 0`);
    expect((await on.tick()).backfill).toBe(2);
    await on.finish();
    expect(await countVectors()).toBe(4);
  });
});
