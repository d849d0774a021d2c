-- Nothing of ours depends on an adopted table any more: chunks are read from it by a subquery instead of a view, so its
-- owner may change its columns and drop it. `init` replaces the views, functions and triggers of an adoption that it finds.
-- And a table may have any key: what is no whole number below 2^53 gets a number of ours.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint
CREATE TABLE "reembed"."chunk_keys" (
	"chunking" text NOT NULL,
	"id" bigserial NOT NULL,
	"key" text NOT NULL,
	CONSTRAINT "chunk_keys_chunking_id_pk" PRIMARY KEY("chunking","id"),
	CONSTRAINT "chunk_keys_chunking_key_unique" UNIQUE("chunking","key")
);
--> statement-breakpoint
DROP INDEX "reembed"."change_log_truncations";--> statement-breakpoint
ALTER TABLE "reembed"."change_log" ADD COLUMN "key" text;--> statement-breakpoint
ALTER TABLE "reembed"."chunkings" ADD COLUMN "keys" text;--> statement-breakpoint
ALTER TABLE "reembed"."sweeps" ADD COLUMN "key" text;--> statement-breakpoint
CREATE INDEX "change_log_anything" ON "reembed"."change_log" USING btree ("chunking") WHERE chunk_id is null and key is null;;
--> statement-breakpoint
-- What triggers have logged, with the numbers of rows that were logged by their key. A row that has no number yet is not in
-- it, as it is not among the chunks.
CREATE VIEW "reembed"."logged_changes" AS
SELECT l.chunking, coalesce(l.chunk_id, k.id) AS chunk_id, l.changed_at
FROM reembed.change_log l LEFT JOIN reembed.chunk_keys k ON k.chunking = l.chunking AND k.key = l.key
WHERE coalesce(l.chunk_id, k.id) IS NOT NULL;
--> statement-breakpoint
-- Fired by TRUNCATE of an adopted table, with its chunking as the argument: anything may have changed. One row, however
-- many documents there are.
CREATE OR REPLACE FUNCTION reembed.follow_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO reembed.change_log (chunking) VALUES (TG_ARGV[0]);
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Compares all that is stored of a chunking with its chunks, if a row of the log asks for it, and logs what differs. In an
-- adopted chunking it also numbers rows and notes every document.
CREATE FUNCTION reembed.compare_everything(concerned reembed.chunkings) RETURNS void
LANGUAGE plpgsql SET row_security = off AS $$
BEGIN
  PERFORM FROM reembed.change_log WHERE chunking = concerned.name AND chunk_id IS NULL AND key IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  IF concerned.keys IS NOT NULL THEN
    EXECUTE format($sql$
      INSERT INTO reembed.chunk_keys (chunking, key)
      SELECT $1, r.key FROM %s r
      WHERE NOT EXISTS (SELECT FROM reembed.chunk_keys k WHERE k.chunking = $1 AND k.key = r.key)
      ON CONFLICT DO NOTHING
    $sql$, concerned.keys) USING concerned.name;
  END IF;
  IF concerned.source IS NOT NULL THEN
    EXECUTE format($sql$
      INSERT INTO reembed.document_changes (key)
      SELECT source_key FROM reembed.documents WHERE source_key IS NOT NULL
      UNION SELECT coalesce(c.source_document::text, '') FROM %s c
      ON CONFLICT DO NOTHING
    $sql$, concerned.relation);
  END IF;
  EXECUTE format($sql$
    WITH emptied AS (
      DELETE FROM reembed.change_log WHERE chunking = $1 AND chunk_id IS NULL AND key IS NULL RETURNING id
    ), ours AS (
      SELECT name, state, backfill_target FROM reembed.profiles WHERE chunking = $1
    ), known AS (
      SELECT chunk_id, content_hash FROM reembed.chunk_embeddings WHERE profile IN (SELECT name FROM ours)
      UNION SELECT chunk_id, content_hash FROM reembed.quarantined_chunks WHERE profile IN (SELECT name FROM ours)
      UNION SELECT chunk_id, NULL FROM reembed.chunk_changes WHERE profile IN (SELECT name FROM ours)
      UNION SELECT id, NULL FROM reembed.chunk_keys WHERE chunking = $1
    ), different AS (
      SELECT k.chunk_id FROM known k LEFT JOIN %1$s c ON c.id = k.chunk_id
      WHERE c.id IS NULL
        OR k.content_hash IS NOT NULL AND k.content_hash <> sha256(convert_to(c.content, 'UTF8'))
      UNION
      SELECT c.id FROM ours p JOIN %1$s c ON p.state = 'backfilled' OR c.id > p.backfill_target
      WHERE p.state NOT IN ('registered', 'retired')
        AND NOT EXISTS (SELECT FROM reembed.chunk_embeddings e WHERE e.profile = p.name AND e.chunk_id = c.id)
        AND NOT EXISTS (SELECT FROM reembed.quarantined_chunks q WHERE q.profile = p.name AND q.chunk_id = c.id)
    )
    INSERT INTO reembed.change_log (chunking, chunk_id)
    SELECT $1, d.chunk_id FROM different d WHERE EXISTS (SELECT FROM emptied)
  $sql$, concerned.relation) USING concerned.name;
END $$;
--> statement-breakpoint
-- Gives numbers to the first rows of the log that have only a key. A row that is gone by now gets one too, and loses it
-- with everything else that is left of it.
CREATE FUNCTION reembed.number_logged(of_chunking text, at_most integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[] := ARRAY(
    SELECT id FROM reembed.change_log WHERE chunking = of_chunking AND key IS NOT NULL ORDER BY id LIMIT at_most);
BEGIN
  IF ids = '{}' THEN RETURN; END IF;
  INSERT INTO reembed.chunk_keys (chunking, key)
  SELECT DISTINCT of_chunking, l.key FROM reembed.change_log l WHERE l.id = ANY(ids) AND l.key IS NOT NULL
  ON CONFLICT DO NOTHING;
  UPDATE reembed.change_log l SET chunk_id = k.id, key = NULL
  FROM reembed.chunk_keys k WHERE l.id = ANY(ids) AND k.chunking = of_chunking AND k.key = l.key;
END $$;
--> statement-breakpoint
-- Moves rows of the log to the changes of every profile of their chunking whose backfill has begun and that is in use.
-- Those of chunks that are gone stay: `remove_gone` takes them. Returns how many it moved, and how many of those it saw.
-- An adopted table that was dropped or has lost a column is passed over, so that it costs no other chunking its changes.
CREATE OR REPLACE FUNCTION reembed.take_changes(at_most integer, OUT moved integer, OUT gone integer)
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned reembed.chunkings;
  counted record;
BEGIN
  moved := 0;
  gone := 0;
  PERFORM pg_advisory_xact_lock_shared(1667785070);
  FOR concerned IN SELECT * FROM reembed.chunkings ORDER BY name LOOP
    CONTINUE WHEN to_regclass(coalesce(concerned.source->>'table', concerned.relation)) IS NULL;
    BEGIN
      PERFORM reembed.compare_everything(concerned);
      PERFORM reembed.number_logged(concerned.name, at_most);
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
    EXCEPTION WHEN undefined_table OR undefined_column OR undefined_function OR datatype_mismatch OR data_exception THEN
      IF concerned.source IS NULL THEN RAISE; END IF;
    END;
  END LOOP;
END $$;
--> statement-breakpoint
-- Removes what is left of chunks that are gone, with their rows of the log. A number goes first: what is left of its chunk
-- is removed because no row has the number any more, and a row that comes back meanwhile gets another one.
CREATE OR REPLACE FUNCTION reembed.remove_gone(at_most integer) RETURNS void
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned reembed.chunkings;
  looked record;
  of_profile text;
BEGIN
  PERFORM pg_advisory_xact_lock(1667785070);
  FOR concerned IN SELECT * FROM reembed.chunkings ORDER BY name LOOP
    CONTINUE WHEN to_regclass(coalesce(concerned.source->>'table', concerned.relation)) IS NULL;
    BEGIN
      EXECUTE format($sql$
        SELECT array_agg(l.id) AS rows, array_agg(DISTINCT l.chunk_id) AS chunk_ids
        FROM (
          SELECT id, chunk_id FROM reembed.change_log WHERE chunking = $1 AND chunk_id IS NOT NULL ORDER BY id LIMIT $2
        ) l
        LEFT JOIN LATERAL (SELECT true AS found FROM %s c WHERE c.id = l.chunk_id LIMIT 1) c ON true
        WHERE c.found IS NULL
      $sql$, concerned.relation) INTO looked USING concerned.name, at_most;
      CONTINUE WHEN looked.rows IS NULL;
      EXECUTE format($sql$
        DELETE FROM reembed.chunk_keys k WHERE k.chunking = $1 AND k.id = ANY($2)
          AND NOT EXISTS (SELECT FROM %s c WHERE c.id = k.id)
      $sql$, concerned.relation) USING concerned.name, looked.chunk_ids;
      FOR of_profile IN SELECT p.name FROM reembed.profiles p WHERE p.chunking = concerned.name ORDER BY p.name LOOP
        PERFORM reembed.settle_changes(of_profile, concerned.relation, looked.chunk_ids);
      END LOOP;
      DELETE FROM reembed.change_log WHERE (id IN (SELECT unnest(looked.rows))) IS TRUE;
    EXCEPTION WHEN undefined_table OR undefined_column OR undefined_function OR datatype_mismatch OR data_exception THEN
      IF concerned.source IS NULL THEN RAISE; END IF;
    END;
  END LOOP;
END $$;
