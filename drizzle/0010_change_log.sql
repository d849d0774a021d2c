-- Triggers only append to a log, and nobody locks a chunk any more: an application's statement neither waits for us nor
-- fails because of us, at any isolation level. Whoever reads the log, stores vectors or takes changes away is kept apart
-- from the others by locks on our own side.
--
-- Live tables are changed here: whoever has to wait gives up after a moment, and the migration is tried again.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint
-- Vectors of a deleted chunk are removed by what its row in the log asks for. A foreign key would lock the chunk.
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT k.conrelid::regclass AS partition, k.conname AS name
    FROM pg_constraint k JOIN pg_inherits i ON i.inhrelid = k.conrelid
    WHERE k.contype = 'f' AND i.inhparent = 'reembed.chunk_embeddings'::regclass
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.partition, found.name);
  END LOOP;
END $$;
--> statement-breakpoint
-- Prioritised chunks had a time that never comes, by their rank.
ALTER TABLE "reembed"."chunk_changes" ADD COLUMN "priority" integer;
--> statement-breakpoint
UPDATE "reembed"."chunk_changes" c SET "priority" = r.rank, "changed_at" = now() FROM (
  SELECT "profile", "chunk_id", row_number() OVER (PARTITION BY "profile" ORDER BY "changed_at", "chunk_id") AS rank
  FROM "reembed"."chunk_changes" WHERE "changed_at" >= '9000-01-01'
) r WHERE c."profile" = r."profile" AND c."chunk_id" = r."chunk_id";
--> statement-breakpoint
DROP INDEX "reembed"."chunk_changes_order";
--> statement-breakpoint
CREATE INDEX "chunk_changes_order" ON "reembed"."chunk_changes" USING btree ("profile","changed_at") WHERE priority is null;
--> statement-breakpoint
CREATE INDEX "chunk_changes_priority" ON "reembed"."chunk_changes" USING btree ("profile","priority") WHERE priority is not null;
--> statement-breakpoint
-- Without vacuum_truncate, which locks a table that empties at its end, and with it whoever writes to it.
CREATE TABLE "reembed"."change_log" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"chunking" text NOT NULL,
	"chunk_id" bigint,
	"changed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
) WITH (vacuum_truncate = off);
--> statement-breakpoint
CREATE INDEX "change_log_truncations" ON "reembed"."change_log" USING btree ("chunking") WHERE "chunk_id" is null;
--> statement-breakpoint
-- A chunk was inserted or has a new text. Whom it concerns is asked later: nothing is read here that others write.
CREATE OR REPLACE FUNCTION reembed.note_chunk(chunking text, chunk bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reembed.change_log (chunking, chunk_id) VALUES (note_chunk.chunking, chunk);
END $$;
--> statement-breakpoint
-- A chunk is gone. The row says the same: what has become of the chunk is looked at when the log is read.
CREATE OR REPLACE FUNCTION reembed.erase_chunk(chunking text, chunk bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reembed.change_log (chunking, chunk_id) VALUES (erase_chunk.chunking, chunk);
END $$;
--> statement-breakpoint
-- Fired by TRUNCATE of an adopted table: of the chunks with its chunking as the argument, of the documents without one.
CREATE OR REPLACE FUNCTION reembed.follow_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_NARGS > 0 THEN
    INSERT INTO reembed.change_log (chunking, chunk_id) VALUES (TG_ARGV[0], NULL);
  END IF;
  PERFORM reembed.note_document(source_key) FROM reembed.documents WHERE source_key IS NOT NULL;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- The lock of changes. Whoever stores vectors or moves the log shares it; whoever takes changes away without storing a
-- vector, or begins a backfill, has it alone. The number spells `chan`. Each function takes it with a statement of its
-- own, so that the next one sees what those before have left.
--
-- With row_security off a policy that hides rows of an adopted table is an error. Otherwise its rows would seem to be
-- deleted, and their vectors would be.
--
-- Moves rows of the log to the changes of every profile of their chunking whose backfill has begun and that is in use.
-- Those of chunks that are gone stay: `remove_gone` takes them. Returns how many it moved, and how many of those it saw.
CREATE FUNCTION reembed.take_changes(at_most integer, OUT moved integer, OUT gone integer)
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned record;
  counted record;
BEGIN
  moved := 0;
  gone := 0;
  PERFORM pg_advisory_xact_lock_shared(1667785070);
  FOR concerned IN SELECT name, relation FROM reembed.chunkings ORDER BY name LOOP
    -- An adopted table that was dropped took its view along.
    CONTINUE WHEN to_regclass(concerned.relation) IS NULL;
    PERFORM FROM reembed.change_log WHERE chunking = concerned.name AND chunk_id IS NULL;
    IF FOUND THEN
      EXECUTE format($sql$
        WITH emptied AS (
          DELETE FROM reembed.change_log WHERE chunking = $1 AND chunk_id IS NULL RETURNING id
        ), ours AS (
          SELECT name FROM reembed.profiles WHERE chunking = $1
        ), known AS (
          SELECT chunk_id FROM reembed.chunk_embeddings WHERE profile IN (SELECT name FROM ours)
          UNION SELECT chunk_id FROM reembed.quarantined_chunks WHERE profile IN (SELECT name FROM ours)
          UNION SELECT chunk_id FROM reembed.chunk_changes WHERE profile IN (SELECT name FROM ours)
        )
        INSERT INTO reembed.change_log (chunking, chunk_id)
        SELECT $1, k.chunk_id FROM known k
        WHERE EXISTS (SELECT FROM emptied) AND NOT EXISTS (SELECT FROM %s c WHERE c.id = k.chunk_id)
      $sql$, concerned.relation) USING concerned.name;
    END IF;
    EXECUTE format($sql$
      WITH looked AS MATERIALIZED (
        SELECT l.id, l.chunk_id, l.changed_at, c.found IS NOT NULL AS there
        FROM (
          SELECT * FROM reembed.change_log WHERE chunking = $1 AND chunk_id IS NOT NULL
          ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
        ) l
        LEFT JOIN LATERAL (SELECT true AS found FROM %s c WHERE c.id = l.chunk_id LIMIT 1) c ON true
      ), recorded AS (
        INSERT INTO reembed.chunk_changes (profile, chunk_id, changed_at)
        SELECT p.name, l.chunk_id, max(l.changed_at) FROM looked l CROSS JOIN reembed.profiles p
        WHERE l.there AND p.chunking = $1 AND p.state NOT IN ('registered', 'retired')
        GROUP BY p.name, l.chunk_id ORDER BY p.name, l.chunk_id
        ON CONFLICT (profile, chunk_id)
        DO UPDATE SET changed_at = excluded.changed_at, enqueued_until = NULL, priority = NULL, attempts = 0
      ), removed AS (
        -- Hashed, because it is no join: the log is mostly vacuumed while it is empty, and the planner expects one row.
        DELETE FROM reembed.change_log WHERE (id IN (SELECT id FROM looked WHERE there)) IS TRUE
      )
      SELECT count(*) FILTER (WHERE there) AS moved, count(*) FILTER (WHERE NOT there) AS gone FROM looked
    $sql$, concerned.relation) INTO counted USING concerned.name, at_most;
    moved := moved + counted.moved;
    gone := gone + counted.gone;
  END LOOP;
END $$;
--> statement-breakpoint
-- Takes changes away that ask for nothing: of chunks that have a vector or a quarantine for their present text, and of
-- chunks that are gone, with all that is left of these. Alone, because a vector that is being stored cannot be seen yet.
CREATE FUNCTION reembed.settle_changes(of_profile text, relation text, chunk_ids bigint[]) RETURNS void
LANGUAGE plpgsql SET row_security = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1667785070);
  EXECUTE format($sql$
    WITH looked AS MATERIALIZED (
      SELECT w.chunk_id, c.content_hash
      FROM (SELECT DISTINCT chunk_id FROM unnest($2) w (chunk_id)) w
      LEFT JOIN LATERAL (
        SELECT sha256(convert_to(c.content, 'UTF8')) AS content_hash FROM %s c WHERE c.id = w.chunk_id LIMIT 1
      ) c ON true
    ), forgotten AS (
      DELETE FROM reembed.chunk_embeddings e USING looked l
      WHERE e.profile = $1 AND e.chunk_id = l.chunk_id AND l.content_hash IS NULL
    ), released AS (
      DELETE FROM reembed.quarantined_chunks q USING looked l
      WHERE q.profile = $1 AND q.chunk_id = l.chunk_id AND l.content_hash IS NULL
    )
    DELETE FROM reembed.chunk_changes ch USING looked l
    WHERE ch.profile = $1 AND ch.chunk_id = l.chunk_id AND (
      l.content_hash IS NULL
      OR EXISTS (
        SELECT FROM reembed.chunk_embeddings e
        WHERE e.profile = $1 AND e.chunk_id = l.chunk_id AND e.content_hash = l.content_hash)
      OR EXISTS (
        SELECT FROM reembed.quarantined_chunks q
        WHERE q.profile = $1 AND q.chunk_id = l.chunk_id AND q.content_hash = l.content_hash))
  $sql$, relation) USING of_profile, chunk_ids;
END $$;
--> statement-breakpoint
-- Removes what is left of chunks that are gone, with their rows of the log.
CREATE FUNCTION reembed.remove_gone(at_most integer) RETURNS void
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned record;
  looked record;
  of_profile text;
BEGIN
  PERFORM pg_advisory_xact_lock(1667785070);
  FOR concerned IN SELECT name, relation FROM reembed.chunkings ORDER BY name LOOP
    CONTINUE WHEN to_regclass(concerned.relation) IS NULL;
    EXECUTE format($sql$
      SELECT array_agg(l.id) AS rows, array_agg(DISTINCT l.chunk_id) AS chunk_ids
      FROM (
        SELECT id, chunk_id FROM reembed.change_log WHERE chunking = $1 AND chunk_id IS NOT NULL ORDER BY id LIMIT $2
      ) l
      LEFT JOIN LATERAL (SELECT true AS found FROM %s c WHERE c.id = l.chunk_id LIMIT 1) c ON true
      WHERE c.found IS NULL
    $sql$, concerned.relation) INTO looked USING concerned.name, at_most;
    CONTINUE WHEN looked.rows IS NULL;
    FOR of_profile IN SELECT p.name FROM reembed.profiles p WHERE p.chunking = concerned.name ORDER BY p.name LOOP
      PERFORM reembed.settle_changes(of_profile, concerned.relation, looked.chunk_ids);
    END LOOP;
    DELETE FROM reembed.change_log WHERE (id IN (SELECT unnest(looked.rows))) IS TRUE;
  END LOOP;
END $$;
--> statement-breakpoint
-- Stores vectors whose chunk still has the text with this hash, and settles their changes and quarantines; returns the
-- ids that were written. It looks twice. What it wrote may have replaced the vector of a newer text that another worker
-- stored meanwhile, and the change that it removed may have been a newer one: so it looks at the chunks again, and
-- notes those that have another text by then or are gone. What changes after that has its own row in the log.
--
-- In the order of ids: two batches that overlap would wait for each other.
CREATE FUNCTION reembed.store_vectors(
  of_profile text, relation text, revision text,
  chunk_ids bigint[], content_hashes bytea[], embeddings halfvec[], token_counts integer[], truncated_tokens integer[]
) RETURNS SETOF bigint LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  written bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1667785070);
  EXECUTE format($sql$
    WITH input AS (
      SELECT * FROM unnest($3, $4, $5, $6, $7) i (chunk_id, content_hash, embedding, token_count, truncated_tokens)
    ), unchanged AS (
      SELECT i.* FROM input i JOIN %s c ON c.id = i.chunk_id
      WHERE sha256(convert_to(c.content, 'UTF8')) = i.content_hash
      ORDER BY i.chunk_id
    ), written AS (
      INSERT INTO reembed.chunk_embeddings
        (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
      SELECT $1, chunk_id, content_hash, embedding, token_count, truncated_tokens, $2 FROM unchanged
      ON CONFLICT (chunk_id, profile) DO UPDATE SET
        content_hash = excluded.content_hash, embedding = excluded.embedding, token_count = excluded.token_count,
        truncated_tokens = excluded.truncated_tokens, model_revision = excluded.model_revision, embedded_at = now()
      RETURNING chunk_id
    ), settled AS (
      DELETE FROM reembed.chunk_changes ch USING written w WHERE ch.profile = $1 AND ch.chunk_id = w.chunk_id
    ), released AS (
      DELETE FROM reembed.quarantined_chunks q USING written w WHERE q.profile = $1 AND q.chunk_id = w.chunk_id
    )
    SELECT array_agg(chunk_id) FROM written
  $sql$, relation) INTO written
  USING of_profile, revision, chunk_ids, content_hashes, embeddings, token_counts, truncated_tokens;
  EXECUTE format($sql$
    INSERT INTO reembed.change_log (chunking, chunk_id)
    SELECT p.chunking, i.chunk_id
    FROM reembed.profiles p CROSS JOIN unnest($3, $4) i (chunk_id, content_hash)
    LEFT JOIN LATERAL (
      SELECT sha256(convert_to(c.content, 'UTF8')) AS content_hash FROM %s c WHERE c.id = i.chunk_id LIMIT 1
    ) c ON true
    WHERE p.name = $1 AND i.chunk_id = ANY($2) AND c.content_hash IS DISTINCT FROM i.content_hash
  $sql$, relation) USING of_profile, written, chunk_ids, content_hashes;
  RETURN QUERY SELECT * FROM unnest(written);
END $$;
--> statement-breakpoint
-- Sets chunks aside that still have the text with this hash, settles their changes, and removes vectors of older texts;
-- returns the ids that were set aside. Alone, so that no vector of another text comes beside the quarantine.
CREATE FUNCTION reembed.quarantine_chunks(
  of_profile text, relation text, chunk_ids bigint[], content_hashes bytea[], reasons text[], details text[]
) RETURNS SETOF bigint LANGUAGE plpgsql SET row_security = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1667785070);
  RETURN QUERY EXECUTE format($sql$
    WITH input AS (
      SELECT * FROM unnest($2, $3, $4, $5) i (chunk_id, content_hash, reason, detail)
    ), unchanged AS (
      SELECT i.* FROM input i JOIN %s c ON c.id = i.chunk_id
      WHERE sha256(convert_to(c.content, 'UTF8')) = i.content_hash
      ORDER BY i.chunk_id
    ), set_aside AS (
      INSERT INTO reembed.quarantined_chunks (profile, chunk_id, content_hash, reason, detail)
      SELECT $1, chunk_id, content_hash, reason, detail FROM unchanged
      ON CONFLICT (profile, chunk_id) DO UPDATE SET
        content_hash = excluded.content_hash, reason = excluded.reason, detail = excluded.detail,
        attempts = quarantined_chunks.attempts + 1, last_seen = now()
      RETURNING chunk_id
    ), settled AS (
      DELETE FROM reembed.chunk_changes ch USING set_aside s WHERE ch.profile = $1 AND ch.chunk_id = s.chunk_id
    ), outdated AS (
      DELETE FROM reembed.chunk_embeddings e USING set_aside s WHERE e.profile = $1 AND e.chunk_id = s.chunk_id
    )
    SELECT chunk_id FROM set_aside
  $sql$, relation) USING of_profile, chunk_ids, content_hashes, reasons, details;
END $$;
