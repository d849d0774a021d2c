// biome-ignore-all lint/suspicious/noTemplateCurlyInString: mutants are pieces of code.
import type { Mutants } from "./mutant.ts";

/** Faults of what enqueues: the tick, the backfill, changes and the sweep. */
export const ofTheBackfill: Mutants = {
  "packages/migration/src/backfill/backfill-queue.ts": [
    {
      name: "the cursor moves before its chunks are enqueued",
      text: `  await enqueue(queue, profile, { kind: "backfill", chunkIds, batchSize });
  await advanceCursor(database, profile, cursor);`,
      replacement: `  await advanceCursor(database, profile, cursor);
  await enqueue(queue, profile, { kind: "backfill", chunkIds, batchSize });`,
    },
    {
      name: "chunks that were withdrawn from the queue are not enqueued again",
      text: "  await moveCursorBack(database, profile, chunkIds);",
      replacement: "  await moveCursorBack(database, profile, []);",
    },
    {
      name: "a batch has one chunk too few",
      text: "chunkIds: chunkIds.slice(start, start + batchSize)",
      replacement: "chunkIds: chunkIds.slice(start, start + batchSize - 1)",
    },
  ],
  "apps/producer/src/tick.ts": [
    {
      name: "gaps are never searched for",
      text: "const gaps = await recordGaps(database, profile);",
      replacement: "const gaps = 0;",
    },
    {
      name: "the queue has no bound",
      text: "Math.max(0, maxQueuedJobs - queued) * batchSize",
      replacement: "maxQueuedJobs * batchSize",
      noticedBy: "apps/producer/src/tick.test.ts",
    },
    {
      name: "the search for gaps does not wait for running batches",
      text: `(await hasUnfinishedJobs(queue, "backfill")) || (await hasGapsInHand(database, profile))`,
      replacement: "false",
      noticedBy: "apps/producer/src/tick.test.ts",
    },
  ],
  "apps/producer/src/allowance.ts": [
    {
      name: "a paused backfill goes on",
      text: "if (profile.paused) return nothing;",
      replacement: "",
      noticedBy: "apps/producer/src/operate-backfill.test.ts",
    },
  ],
  "apps/producer/src/pace.ts": [
    {
      name: "a rate limit is ignored",
      text: "return until(nowMs) - until(nowMs - tickMs);",
      replacement: "return until(nowMs);",
      noticedBy: "apps/producer/src/pace.test.ts",
    },
  ],
  "packages/store/src/progress/backfill.ts": [
    {
      name: "the last chunk of the backfill is left out",
      text: "and id <= ${backfillTarget}::bigint order by id`;",
      replacement: "and id < ${backfillTarget}::bigint order by id`;",
    },
    {
      name: "the cursor goes back one chunk too little",
      text: "least(backfill_cursor, passed.first - 1)",
      replacement: "least(backfill_cursor, passed.first)",
    },
    {
      name: "in the order of the newest first, the cursor goes back one chunk too little",
      text: "greatest(backfill_cursor, passed.last + 1)",
      replacement: "greatest(backfill_cursor, passed.last)",
    },
    {
      name: "after a change of order, the cursor does not start at the right end",
      text: "then backfill_target + 1 else ${beforeFirstId}::bigint end,",
      replacement: "then backfill_target + 1 else backfill_cursor end,",
    },
  ],
  "packages/store/src/progress/backfill-state.ts": [
    {
      name: "a profile that lost its vectors counts as complete before",
      text: "const leastRemaining = 0.5;",
      replacement: "const leastRemaining = 0;",
      noticedBy: "apps/producer/src/tick.test.ts",
    },
    {
      name: "a backfill starts while the change log is being processed",
      text: `    await lockChanges(transaction, "alone");
`,
      replacement: "",
      noticedBy: "packages/store/src/progress/backfill-state.test.ts",
    },
    {
      name: "a backfill of the newest first starts after the newest",
      text: "when 'newest' then ${target} + 1 else",
      replacement: "when 'newest' then ${target} else",
    },
    {
      name: "a tick moves the cursor although the backfill was paused, or another tick has moved it",
      text: "sql`xmin::text = ${profile.version}`",
      replacement: "sql`${profile.version} is not null`",
    },
  ],
  "packages/store/src/changes/changes.ts": [
    {
      name: "a lease is ignored",
      text: "and (enqueued_until is null or enqueued_until < now() or ${queueIsEmpty}",
      replacement: "and (true or enqueued_until is null or enqueued_until < now() or ${queueIsEmpty}",
      noticedBy: "apps/producer/src/tick.test.ts",
    },
    {
      name: "a lease has no end",
      text: "and (enqueued_until is null or enqueued_until < now() or ${queueIsEmpty}",
      replacement: "and (enqueued_until is null or (false and ${queueIsEmpty})",
    },
  ],
  "packages/store/src/changes/gaps.ts": [
    {
      name: "the search for gaps leaves out the last chunk",
      text: "select ${profile.name}, c.id from ${sql.raw(profile.relation)} c\n",
      replacement:
        "select ${profile.name}, c.id from (select * from ${sql.raw(profile.relation)} r order by id desc offset 1) c\n",
    },
  ],
  "packages/store/src/changes/sweep.ts": [
    {
      name: "a sweep accepts a vector of another text",
      text: "then e.content_hash <> c.content_hash",
      replacement: "then false",
    },
    {
      name: "a sweep ignores vectors without a chunk",
      text: "(chunk_id in (select id from present)) is not true",
      replacement: "(chunk_id in (select id from present)) is null",
    },
    {
      name: "a sweep records a change again that is already waiting",
      text: "select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = m.chunk_id)",
      replacement: "select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = -m.chunk_id)",
      noticedBy: "packages/store/src/changes/sweep.test.ts",
    },
  ],
  "packages/queue/src/embed-queue.ts": [
    {
      name: "backfill is delivered before changes",
      text: "const priorities = { changes: 1, backfill: 2 } as const;",
      replacement: "const priorities = { changes: 2, backfill: 1 } as const;",
      noticedBy: "packages/queue/src/queues.test.ts",
    },
  ],
};
