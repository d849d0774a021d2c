// biome-ignore-all lint/suspicious/noTemplateCurlyInString: mutants are pieces of code.

/** A small fault, and the test that must notice it. */
export interface Mutant {
  /** What the fault does. */
  name: string;
  /** Occurs exactly once in the file. */
  text: string;
  replacement: string;
  /** A test file; without it, the simulation. */
  noticedBy?: string;
}

/**
 * By the file that they are put into. `npm run mutants` puts each one by itself into a copy of the code, and fails if one is
 * not noticed: then no test would prevent that fault.
 */
export const mutants: Readonly<Record<string, readonly Mutant[]>> = {
  "packages/migration/src/backfill/backfill-queue.ts": [
    {
      name: "the cursor moves before its chunks are enqueued",
      text: `  await enqueue(queue, profile, "backfill", chunkIds, batchSize);
  await advanceCursor(database, profile, cursor);`,
      replacement: `  await advanceCursor(database, profile, cursor);
  await enqueue(queue, profile, "backfill", chunkIds, batchSize);`,
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
      name: "the sweep does not wait for running batches",
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
      text: "and id <= ${backfillTarget} order by id`;",
      replacement: "and id < ${backfillTarget} order by id`;",
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
      text: "then backfill_target + 1 else 0 end,",
      replacement: "then backfill_target + 1 else backfill_cursor end,",
    },
  ],
  "packages/store/src/progress/backfill-state.ts": [
    {
      name: "a backfill starts while the change log is being processed",
      text: `    await lockChanges(transaction, "alone");
`,
      replacement: "",
      noticedBy: "packages/store/src/progress/backfill-state.test.ts",
    },
    {
      name: "a backfill of the newest first starts after the newest",
      text: "when 'newest' then ${Number(target) + 1} else 0 end`",
      replacement: "when 'newest' then ${Number(target)} else 0 end`",
    },
    {
      name: "a tick moves the cursor although the backfill was paused, or another tick has moved it",
      text: "sql`xmin::text = ${profile.version}`",
      replacement: "sql`${profile.version} is not null`",
    },
  ],
  "packages/store/src/changes/changes.ts": [
    {
      name: "the sweep leaves out the last chunk",
      text: "select ${profile.name}, c.id from ${sql.raw(profile.relation)} c\n",
      replacement:
        "select ${profile.name}, c.id from (select * from ${sql.raw(profile.relation)} order by id desc offset 1) c\n",
    },
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
  "drizzle/0010_change_log.sql": [
    {
      name: "a vector is stored even if its chunk's text has changed",
      text: `= i.content_hash
      ORDER BY i.chunk_id
    ), written AS (`,
      replacement: `IS NOT NULL
      ORDER BY i.chunk_id
    ), written AS (`,
      noticedBy: "packages/store/src/embeddings/embeddings.test.ts",
    },
    {
      name: "the comparison of hashes in the upsert is inverted",
      text: `= i.content_hash
      ORDER BY i.chunk_id
    ), written AS (`,
      replacement: `<> i.content_hash
      ORDER BY i.chunk_id
    ), written AS (`,
    },
    {
      name: "the upsert locks the chunks",
      text: `ORDER BY i.chunk_id
    ), written AS (`,
      replacement: `ORDER BY i.chunk_id FOR SHARE OF c
    ), written AS (`,
      noticedBy: "packages/store/src/changes/guard.test.ts",
    },
    {
      name: "the upsert does not check the chunks again after writing",
      text: "AND c.content_hash IS DISTINCT FROM i.content_hash",
      replacement: "AND c.content_hash IS DISTINCT FROM i.content_hash AND false",
      noticedBy: "packages/store/src/changes/guard.test.ts",
    },
    {
      name: "an upsert does not take its shared lock",
      text: `  PERFORM pg_advisory_xact_lock_shared(1667785070);
  EXECUTE format($sql$
    WITH input AS (`,
      replacement: `  EXECUTE format($sql$
    WITH input AS (`,
      noticedBy: "packages/store/src/changes/guard.test.ts",
    },
    {
      name: "an upsert removes changes that nobody has read",
      text: "USING written w WHERE ch.profile = $1 AND ch.chunk_id = w.chunk_id",
      replacement: "USING written w WHERE ch.profile = $1",
    },
    {
      name: "an upsert does not remove the chunk from the quarantine",
      text: "USING written w WHERE q.profile = $1 AND q.chunk_id = w.chunk_id",
      replacement: "USING written w WHERE q.profile = $1 AND q.chunk_id = -w.chunk_id",
    },
    {
      name: "a text that nobody has tried is quarantined",
      text: `= i.content_hash
      ORDER BY i.chunk_id
    ), set_aside AS (`,
      replacement: `IS NOT NULL
      ORDER BY i.chunk_id
    ), set_aside AS (`,
      noticedBy: "packages/store/src/embeddings/quarantine.test.ts",
    },
    {
      name: "quarantining a chunk keeps the vector of its old text",
      text: "USING set_aside s WHERE e.profile = $1 AND e.chunk_id = s.chunk_id",
      replacement: "USING set_aside s WHERE e.profile = $1 AND e.chunk_id = -s.chunk_id",
    },
    {
      name: "a change is removed although the vector is of another text",
      text: "e.profile = $1 AND e.chunk_id = l.chunk_id AND e.content_hash = l.content_hash)",
      replacement: "e.profile = $1 AND e.chunk_id = l.chunk_id)",
      noticedBy: "packages/store/src/changes/guard.test.ts",
    },
    {
      name: "a logged deletion is removed before the chunk's vectors are",
      text: "USING looked WHERE looked.there AND l.id = looked.id",
      replacement: "USING looked WHERE l.id = looked.id",
    },
    {
      name: "a deleted chunk keeps its vector",
      text: "WHERE e.profile = $1 AND e.chunk_id = l.chunk_id AND l.content_hash IS NULL",
      replacement: "WHERE e.profile = $1 AND e.chunk_id = l.chunk_id AND l.content_hash IS NULL AND false",
    },
    {
      name: "a truncation of the table is ignored",
      text: "IF TG_NARGS > 0 THEN",
      replacement: "IF TG_NARGS > 1 THEN",
    },
    {
      name: "logged rows are lost before they become changes",
      text: "WHERE l.there AND p.chunking = $1 AND",
      replacement: "WHERE l.there AND mod(l.chunk_id, 2) = 0 AND p.chunking = $1 AND",
    },
  ],
  "packages/store/src/changes/sweep.ts": [
    {
      name: "a sweep takes a vector of another text for right",
      text: "then e.content_hash <> c.content_hash",
      replacement: "then false",
    },
    {
      name: "a sweep looks only from the texts to the vectors",
      text: "where c.found is null",
      replacement: "where c.found is null and false",
    },
    {
      name: "a sweep begins a change anew that waits already",
      text: "select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = m.chunk_id)",
      replacement: "select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = -m.chunk_id)",
      noticedBy: "packages/store/src/changes/sweep.test.ts",
    },
  ],
  "packages/store/src/embeddings/pending.ts": [
    {
      name: "a change of a chunk that already has its vector is not removed",
      text: "and (pending or ch.chunk_id is not null)",
      replacement: "and pending",
    },
  ],
  "packages/store/src/embeddings/quarantine.ts": [
    {
      name: "a retry loses the chunk",
      text: "chunk_id from released",
      replacement: "chunk_id from released where false",
    },
  ],
  "packages/store/src/embeddings/donors.ts": [
    {
      name: "the vector of any other text is reused",
      text: "where e.profile = p.name and e.content_hash = ${contentHash}",
      replacement: "where e.profile = p.name and ${contentHash} is not null",
    },
    {
      name: "a vector of another revision is reused",
      text: "and e.model_revision = ${revision} and",
      replacement: "and ${revision}::text is not null and",
      noticedBy: "packages/store/src/embeddings/reuse.test.ts",
    },
  ],
  "packages/store/src/registration/registration.ts": [
    {
      name: "an edit of our own chunks is not recorded",
      text: "when (old.content is distinct from new.content)",
      replacement: "when (old.content is not distinct from new.content)",
    },
  ],
  "packages/store/src/adoption/adoption-takeover.ts": [
    {
      name: "an edit in an adopted table is not recorded",
      text: "if tg_argv[0] = 'text' then perform",
      replacement: "if tg_op = 'INSERT' then perform",
    },
    {
      name: "a deletion in an adopted table is ignored",
      text: "if tg_op = 'DELETE' or ${idOf}(old)",
      replacement: "if ${idOf}(old)",
    },
  ],
  "apps/worker/src/embed-batch.ts": [
    {
      name: "the number of attempts is not limited",
      text: "if ((suspect.attempts ?? 0) >= attemptsAtMost)",
      replacement: "if ((suspect.attempts ?? 0) < 0)",
    },
    {
      name: "a chunk is quarantined after the first death of the child",
      text: "const attemptsAtMost = 5;",
      replacement: "const attemptsAtMost = 1;",
    },
    {
      name: "attempts are not counted before they are made",
      text: "await this.#countAttempt(changes, 1);",
      replacement: "",
    },
    {
      name: "attempts are not taken back if a server was away",
      text: "const takeBack = () => this.#countAttempt(changes, -1);",
      replacement: "const takeBack = async () => {};",
      noticedBy: "apps/worker/src/embed-batch.test.ts",
    },
    {
      name: "suspects are not embedded one by one",
      text: "attempts !== null && attempts > 0;",
      replacement: "attempts !== null && attempts > 1_000;",
    },
    {
      name: "a quarantine has no reason",
      text: "reason: outcome.rejected, detail: outcome.detail",
      replacement: `reason: "", detail: ""`,
    },
    {
      name: "a stale vector counts as stored",
      text: "      embedded: written.length,",
      replacement: "      embedded: embedded.length,",
      noticedBy: "apps/worker/src/embed-batch.test.ts",
    },
    {
      name: "a worker that stops does not return its batch",
      text: "if (stopping.aborted && this.#done < this.#total)",
      replacement: "if (stopping.aborted && this.#done > this.#total)",
      noticedBy: "apps/worker/src/embed-batch.test.ts",
    },
    {
      name: "a vector is stored with another chunk's id",
      text: "const chunk = chunks[outcome.index];",
      replacement: "const chunk = chunks[chunks.length - 1 - outcome.index];",
    },
  ],
  "apps/worker/src/embed-isolating.ts": [
    {
      name: "a halved run leaves out a text",
      text: "rest.slice(middle));",
      replacement: "rest.slice(middle + 1));",
    },
    {
      name: "a text is blamed for a failed device",
      text: "if (!(await works(embedder))) throw failure;",
      replacement: "",
      noticedBy: "apps/worker/src/embed-isolating.test.ts",
    },
  ],
  "packages/core/src/rollout/rollout.ts": [
    {
      name: "a rollout's share is off by one bucket",
      text: "return bucket < bucketsIn(percent) ? candidate : baseline;",
      replacement: "return bucket <= bucketsIn(percent) ? candidate : baseline;",
      noticedBy: "packages/core/src/rollout/rollout.test.ts",
    },
  ],
  "packages/core/src/rollout/guardrail.ts": [
    {
      name: "a guardrail is breached by a single standard error",
      text: "const z = 3;",
      replacement: "const z = 1;",
      noticedBy: "packages/core/src/rollout/guardrail.test.ts",
    },
  ],
  "packages/core/src/chunking/chunk-diff.ts": [
    {
      name: "equal texts of a document lose their chunks",
      text: "byText.get(slice.content)?.shift();",
      replacement: "byText.get(slice.content)?.at(0);",
      noticedBy: "packages/core/src/chunking/chunk-diff.test.ts",
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
  "packages/store/src/verification/verification-checks.ts": [
    {
      name: "verification mistakes a vector of an old text for a pending change",
      text: "when e.chunk_id is not null then 'old_text'",
      replacement: "when e.chunk_id is not null then 'pending'",
      noticedBy: "packages/migration/src/verify/verify-profile.test.ts",
    },
  ],
};
