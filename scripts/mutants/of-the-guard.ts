// biome-ignore-all lint/suspicious/noTemplateCurlyInString: mutants are pieces of code.
import type { Mutants } from "./mutant.ts";

/** Faults of what keeps a vector true to its text, in the database. */
export const ofTheGuard: Mutants = {
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
      name: "a change is removed although the vector is of another text",
      text: "e.profile = $1 AND e.chunk_id = l.chunk_id AND e.content_hash = l.content_hash)",
      replacement: "e.profile = $1 AND e.chunk_id = l.chunk_id)",
      noticedBy: "packages/store/src/changes/guard.test.ts",
    },
    {
      name: "a deleted chunk keeps its vector",
      text: "WHERE e.profile = $1 AND e.chunk_id = l.chunk_id AND l.content_hash IS NULL",
      replacement: "WHERE e.profile = $1 AND e.chunk_id = l.chunk_id AND l.content_hash IS NULL AND false",
    },
  ],
  "drizzle/0012_any_table.sql": [
    {
      name: "a truncation of the table is ignored",
      text: "INSERT INTO reembed.change_log (chunking) VALUES (TG_ARGV[0]);",
      replacement: "NULL;",
    },
  ],
  "drizzle/0018_failing_rows.sql": [
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
      name: "a logged deletion is removed before the chunk's vectors are",
      text: "SELECT id FROM looked WHERE there",
      replacement: "SELECT id FROM looked",
    },
    {
      name: "logged rows are lost before they become changes",
      text: "WHERE l.there AND p.chunking = $1 AND",
      replacement: "WHERE l.there AND mod(l.chunk_id, 2) = 0 AND p.chunking = $1 AND",
    },
  ],
  "drizzle/0020_block_counts.sql": [
    {
      name: "what came or went is not counted",
      text: "SELECT DISTINCT %L, %I, %I >> 16 FROM moved",
      replacement: "SELECT DISTINCT %L, %I, %I >> 16 FROM moved WHERE false",
    },
    {
      name: "a chunk that the log knew of is not counted",
      text: "CREATE TRIGGER count_gone AFTER DELETE ON reembed.change_log REFERENCING OLD TABLE",
      replacement: "CREATE TRIGGER count_gone AFTER INSERT ON reembed.change_log REFERENCING NEW TABLE",
    },
    {
      name: "a chunk that only the log knows of is not counted",
      text: "WHERE of_kind = 'chunks' AND chunking = of_name\n    UNION SELECT NULL",
      replacement: "WHERE false\n    UNION SELECT NULL",
    },
    {
      name: "one block that is counted is taken for all",
      text: "WHERE kind = $1 AND name = $2 AND block = $3",
      replacement: "WHERE kind = $1 AND name = $2",
      noticedBy: "packages/store/src/progress/block-counts.test.ts",
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
  "packages/store/src/registration/chunk-partition.ts": [
    {
      name: "an edit of our own chunks is not recorded",
      text: "when (old.content is distinct from new.content)",
      replacement: "when (old.content is not distinct from new.content)",
    },
  ],
  "packages/store/src/adoption/adopted-triggers.ts": [
    {
      name: "an edit in an adopted table is not recorded",
      text: "filter (where n.content is distinct from o.content or n.id is null",
      replacement: "filter (where n.id is null",
    },
    {
      name: "a deletion in an adopted table is ignored",
      text: "elsif tg_op = 'DELETE' then${one(\"old\")}",
      replacement: "elsif tg_op = 'DELETE' then null;",
    },
  ],
  "packages/store/src/search/ann-search.ts": [
    {
      name: "a filtered search through IVFFlat never reads all lists",
      text: "const isFar =",
      replacement: "const isFar = false &&",
      noticedBy: "packages/store/src/search/filtered-search.test.ts",
    },
  ],
  "packages/store/src/search/search-log.ts": [
    {
      name: "feedback on a result that no answer had counts",
      text: "and shadow_of is null and ${chunkId}::bigint = any(chunk_ids))",
      replacement: ")",
      noticedBy: "apps/search/src/guardrails/guardrails.test.ts",
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
