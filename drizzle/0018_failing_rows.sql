CREATE TABLE "reembed"."failing_rows" (
	"chunking" text NOT NULL,
	"chunk_id" bigint NOT NULL,
	"part" text NOT NULL,
	"error" text NOT NULL,
	"checked_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "failing_rows_chunking_chunk_id_pk" PRIMARY KEY("chunking","chunk_id")
);
--> statement-breakpoint
ALTER TABLE "reembed"."chunkings" ADD COLUMN "expressions" text;
--> statement-breakpoint
-- Whether an error may come from the values of one row, and not from a table's shape, a right or the server: data that no
-- type takes, a constraint of a domain, several rows where an expression allows one, and what a function raises.
CREATE FUNCTION reembed.blames_row(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT state ~ '^(21|22|23|38|39|P0)'
$$;
--> statement-breakpoint
-- The error of a statement that is to blame on a row; null if there is none.
CREATE FUNCTION reembed.row_error(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  IF NOT reembed.blames_row(SQLSTATE) THEN RAISE; END IF;
  RETURN SQLERRM;
END $$;
--> statement-breakpoint
-- The value of a statement as text; null if it fails on a row.
CREATE FUNCTION reembed.text_unless_failing(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  value text;
BEGIN
  EXECUTE statement INTO value;
  RETURN value;
EXCEPTION WHEN OTHERS THEN
  IF NOT reembed.blames_row(SQLSTATE) THEN RAISE; END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Those of an adopted table's rows on which an expression fails, by halving: one statement if there is none.
CREATE FUNCTION reembed.find_failing(expressions text, chunk_ids bigint[]) RETURNS SETOF bigint
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  half integer := cardinality(chunk_ids) / 2;
BEGIN
  IF chunk_ids = '{}' OR reembed.row_error(format(
    'SELECT count(row(r.content, r.position, r.document, r.title, r.language, r.metadata)) FROM %s r WHERE r.id = ANY(%L::bigint[])',
    expressions, chunk_ids)) IS NULL
  THEN RETURN; END IF;
  IF half = 0 THEN
    RETURN NEXT chunk_ids[1];
    RETURN;
  END IF;
  RETURN QUERY SELECT * FROM reembed.find_failing(expressions, chunk_ids[:half]);
  RETURN QUERY SELECT * FROM reembed.find_failing(expressions, chunk_ids[half + 1:]);
END $$;
--> statement-breakpoint
-- Sets those of these rows aside on which an expression fails, in every profile that has begun with them, and logs those
-- that were set aside and no longer fail, or are gone. Returns how many of both there are. Alone, like everyone who removes
-- changes without storing a vector; but rows are evaluated before.
--
-- Where more than 1,000 rows and one in a hundred fail, the expression is to blame: nothing is set aside, because a
-- quarantine removes vectors.
CREATE FUNCTION reembed.check_rows(of_chunking text, chunk_ids bigint[]) RETURNS integer
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned reembed.chunkings;
  at_most bigint;
  failing bigint[];
  healed bigint[];
  differing bigint[];
  parts text[] := '{}';
  errors text[] := '{}';
  failing_id bigint;
  failing_part text;
  failing_error text;
  of_profile text;
BEGIN
  SELECT * INTO concerned FROM reembed.chunkings WHERE name = of_chunking;
  IF concerned.expressions IS NULL OR to_regclass(concerned.source->>'table') IS NULL THEN RETURN 0; END IF;
  SELECT greatest(1000, reltuples / 100) INTO at_most FROM pg_class WHERE oid = to_regclass(concerned.source->>'table');
  failing := ARRAY(SELECT * FROM reembed.find_failing(concerned.expressions, chunk_ids));
  healed := ARRAY(
    SELECT chunk_id FROM reembed.failing_rows
    WHERE chunking = of_chunking AND chunk_id = ANY(chunk_ids) AND chunk_id <> ALL(failing));
  IF failing = '{}' AND healed = '{}' THEN RETURN 0; END IF;
  IF cardinality(failing) + (
    SELECT count(*) FROM reembed.failing_rows WHERE chunking = of_chunking AND chunk_id <> ALL(chunk_ids)
  ) > at_most THEN
    RAISE EXCEPTION 'Expressions fail on more than % rows of %', at_most, concerned.source->>'table' USING ERRCODE = 'RE001';
  END IF;
  FOREACH failing_id IN ARRAY failing LOOP
    FOREACH failing_part IN ARRAY ARRAY['content', 'position', 'document', 'title', 'language', 'metadata'] LOOP
      failing_error := reembed.row_error(format(
        'SELECT count(r.%I) FROM %s r WHERE r.id = %s', failing_part, concerned.expressions, failing_id));
      EXIT WHEN failing_error IS NOT NULL;
    END LOOP;
    parts := parts || failing_part;
    errors := errors || left(coalesce(failing_error, 'an error that did not occur again'), 300);
  END LOOP;

  PERFORM pg_advisory_xact_lock(1667785070);
  differing := ARRAY(
    SELECT i.chunk_id FROM unnest(failing, parts, errors) i (chunk_id, part, error)
    WHERE NOT EXISTS (
      SELECT FROM reembed.failing_rows f
      WHERE f.chunking = of_chunking AND (f.chunk_id, f.part, f.error) = (i.chunk_id, i.part, i.error)));
  INSERT INTO reembed.failing_rows (chunking, chunk_id, part, error)
  SELECT of_chunking, * FROM unnest(failing, parts, errors)
  ON CONFLICT (chunking, chunk_id) DO UPDATE
  SET part = excluded.part, error = excluded.error, checked_at = excluded.checked_at;
  DELETE FROM reembed.failing_rows WHERE chunking = of_chunking AND chunk_id = ANY(healed);
  FOR of_profile IN
    SELECT name FROM reembed.profiles
    WHERE profiles.chunking = of_chunking AND state NOT IN ('registered', 'retired') ORDER BY name
  LOOP
    PERFORM reembed.quarantine_chunks(of_profile, concerned.relation, differing,
      array_fill(sha256(''::bytea), ARRAY[cardinality(differing)]),
      array_fill('expression_failed'::text, ARRAY[cardinality(differing)]),
      array_fill(''::text, ARRAY[cardinality(differing)]));
  END LOOP;
  DELETE FROM reembed.quarantined_chunks q USING reembed.profiles p
  WHERE p.chunking = of_chunking AND q.profile = p.name AND q.chunk_id = ANY(healed) AND q.reason = 'expression_failed';
  INSERT INTO reembed.change_log (chunking, chunk_id) SELECT of_chunking, unnest(healed);
  PERFORM reembed.note_document(d.source_key)
  FROM reembed.chunk_offsets o JOIN reembed.documents d ON d.id = o.document_id
  WHERE o.chunking = of_chunking AND o.chunk_id = ANY(differing) AND d.source_key IS NOT NULL;
  EXECUTE format($sql$
    SELECT reembed.note_document(coalesce(c.source_document::text, '')) FROM %s c WHERE c.id = ANY($1)
  $sql$, concerned.relation) USING healed;
  RETURN cardinality(healed) + cardinality(differing);
END $$;
--> statement-breakpoint
-- Checks the rows of adopted tables that were logged, and a hundred of those that were set aside, because what heals a row
-- may be elsewhere, as in a function. A table that was dropped or has lost a column is passed over.
CREATE FUNCTION reembed.check_changed(at_most integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  of_chunking text;
BEGIN
  FOR of_chunking IN SELECT name FROM reembed.chunkings WHERE expressions IS NOT NULL ORDER BY name LOOP
    BEGIN
      PERFORM reembed.check_rows(of_chunking, array_agg(changed.chunk_id))
      FROM (
        (SELECT chunk_id FROM reembed.failing_rows WHERE chunking = of_chunking ORDER BY checked_at LIMIT 100)
        UNION
        (SELECT chunk_id FROM reembed.logged_changes WHERE chunking = of_chunking LIMIT at_most)
      ) changed HAVING count(*) > 0;
    EXCEPTION WHEN undefined_table OR undefined_column OR undefined_function OR datatype_mismatch THEN
    END;
  END LOOP;
END $$;
--> statement-breakpoint
-- As before, but a row on which an expression fails has that reason, whatever is wrong with the empty text that it is read
-- with.
CREATE OR REPLACE FUNCTION reembed.quarantine_chunks(
  of_profile text, relation text, chunk_ids bigint[], content_hashes bytea[], reasons text[], details text[]
) RETURNS SETOF bigint LANGUAGE plpgsql SET row_security = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1667785070);
  RETURN QUERY EXECUTE format($sql$
    WITH input AS (
      SELECT * FROM unnest($2, $3, $4, $5) i (chunk_id, content_hash, reason, detail)
    ), failing AS (
      SELECT f.chunk_id, format('--%%s %%s fails on row %%s: %%s.',
        f.part, left(g.source->>f.part, 200), coalesce(k.key, f.chunk_id::text), f.error) AS detail
      FROM reembed.profiles p JOIN reembed.chunkings g ON g.name = p.chunking
      JOIN reembed.failing_rows f ON f.chunking = g.name
      LEFT JOIN reembed.chunk_keys k ON k.chunking = g.name AND k.id = f.chunk_id
      WHERE p.name = $1 AND f.chunk_id = ANY($2)
    ), unchanged AS (
      SELECT i.chunk_id, i.content_hash,
        CASE WHEN f.chunk_id IS NULL THEN i.reason ELSE 'expression_failed' END AS reason,
        coalesce(f.detail, i.detail) AS detail
      FROM input i JOIN %s c ON c.id = i.chunk_id LEFT JOIN failing f ON f.chunk_id = i.chunk_id
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
--> statement-breakpoint
DROP FUNCTION reembed.take_changes(integer);
--> statement-breakpoint
-- Moves rows of the log to the changes of every profile of their chunking whose backfill has begun and that is in use.
-- Those of chunks that are gone stay: `remove_gone` takes them. Returns how many it moved, and how many of those it saw.
-- An adopted table that was dropped or has lost a column is passed over, so that it costs no other chunking its changes.
-- So is one with a row on which an expression fails; its chunking is among the `failed`, so that the row is set aside.
CREATE FUNCTION reembed.take_changes(at_most integer, OUT moved integer, OUT gone integer, OUT failed text[])
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned reembed.chunkings;
  counted record;
BEGIN
  moved := 0;
  gone := 0;
  failed := '{}';
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
            -- Of a row that was just set aside, the quarantine stands for its change.
            AND NOT EXISTS (
              SELECT FROM reembed.failing_rows f JOIN reembed.quarantined_chunks q ON q.chunk_id = f.chunk_id
              WHERE f.chunking = $1 AND f.chunk_id = l.chunk_id AND q.profile = p.name AND q.reason = 'expression_failed')
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
    EXCEPTION
      WHEN undefined_table OR undefined_column OR undefined_function OR datatype_mismatch THEN
        IF concerned.source IS NULL THEN RAISE; END IF;
      WHEN OTHERS THEN
        IF concerned.source IS NULL OR NOT reembed.blames_row(SQLSTATE) THEN RAISE; END IF;
        failed := failed || concerned.name;
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
    EXCEPTION
      WHEN undefined_table OR undefined_column OR undefined_function OR datatype_mismatch THEN
        IF concerned.source IS NULL THEN RAISE; END IF;
      WHEN OTHERS THEN
        IF concerned.source IS NULL OR NOT reembed.blames_row(SQLSTATE) THEN RAISE; END IF;
    END;
  END LOOP;
END $$;
