-- Counts are stored by blocks of 65,536 ids, so that nobody has to count a large corpus. A stored count is old where a mark or
-- a row of the log is waiting; readers count such a block themselves. A mark is only appended, in the transaction that makes
-- it necessary, and is only removed by a statement that counts its block in the same snapshot. So a count and its mark cannot
-- miss each other.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint
CREATE TABLE "reembed"."block_counts" (
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"block" bigint NOT NULL,
	"counted" bigint NOT NULL,
	CONSTRAINT "block_counts_kind_name_block_pk" PRIMARY KEY("kind","name","block")
);
--> statement-breakpoint
CREATE TABLE "reembed"."count_marks" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"block" bigint
) WITH (vacuum_truncate = off);
--> statement-breakpoint
CREATE INDEX "count_marks_of" ON "reembed"."count_marks" USING btree ("kind","name","block");
--> statement-breakpoint
-- Of rows that came or went, with their kind, the column of its name and the column of the id as arguments. A vector that
-- replaces another does neither.
CREATE FUNCTION reembed.mark_blocks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    INSERT INTO reembed.count_marks (kind, name, block) SELECT DISTINCT %L, %I, %I >> 16 FROM moved
  $sql$, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2]);
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Fired by TRUNCATE, with the kind and the name of what is counted as arguments.
CREATE FUNCTION reembed.mark_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO reembed.count_marks (kind, name) VALUES (TG_ARGV[0], TG_ARGV[1]);
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Of a chunking whose chunks are read from elsewhere.
CREATE FUNCTION reembed.mark_chunking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reembed.count_marks (kind, name) VALUES ('chunks', NEW.name);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER count_anew AFTER INSERT OR UPDATE OF relation ON reembed.chunkings
FOR EACH ROW EXECUTE FUNCTION reembed.mark_chunking();
--> statement-breakpoint
-- A row of the log says that its block, or everything, may have another number. Whoever removes it leaves a mark instead.
CREATE TRIGGER count_gone AFTER DELETE ON reembed.change_log REFERENCING OLD TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('chunks', 'chunking', 'chunk_id');
--> statement-breakpoint
CREATE TRIGGER count_new AFTER INSERT ON reembed.chunk_keys REFERENCING NEW TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('chunks', 'chunking', 'id');
--> statement-breakpoint
CREATE TRIGGER count_gone AFTER DELETE ON reembed.chunk_keys REFERENCING OLD TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('chunks', 'chunking', 'id');
--> statement-breakpoint
CREATE TRIGGER count_new AFTER INSERT ON reembed.chunk_embeddings REFERENCING NEW TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('vectors', 'profile', 'chunk_id');
--> statement-breakpoint
CREATE TRIGGER count_gone AFTER DELETE ON reembed.chunk_embeddings REFERENCING OLD TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('vectors', 'profile', 'chunk_id');
--> statement-breakpoint
-- A statement fires the triggers of the table that it names, so a partition that is named itself has its own.
CREATE FUNCTION reembed.follow_vectors(of_profile text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  partition text := format('%I.%I', 'reembed'::name, 'chunk_embeddings_' || of_profile);
BEGIN
  EXECUTE format($sql$
    CREATE TRIGGER count_new AFTER INSERT ON %1$s REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('vectors', 'profile', 'chunk_id');
    CREATE TRIGGER count_gone AFTER DELETE ON %1$s REFERENCING OLD TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_blocks('vectors', 'profile', 'chunk_id');
    CREATE TRIGGER count_emptied AFTER TRUNCATE ON %1$s
    FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_all('vectors', %2$L)
  $sql$, partition, of_profile);
  INSERT INTO reembed.count_marks (kind, name) VALUES ('vectors', of_profile);
END $$;
--> statement-breakpoint
DO $$
DECLARE
  existing record;
BEGIN
  FOR existing IN SELECT name FROM reembed.profiles WHERE to_regclass(format('%I.%I', 'reembed'::name, 'chunk_embeddings_' || name)) IS NOT NULL
  LOOP
    PERFORM reembed.follow_vectors(existing.name);
  END LOOP;
  FOR existing IN
    SELECT name, relation, source IS NULL AS own FROM reembed.chunkings
    WHERE source IS NOT NULL OR to_regclass(relation) IS NOT NULL
  LOOP
    INSERT INTO reembed.count_marks (kind, name) VALUES ('chunks', existing.name);
    CONTINUE WHEN NOT existing.own;
    EXECUTE format($sql$
      CREATE TRIGGER count_emptied AFTER TRUNCATE ON %s
      FOR EACH STATEMENT EXECUTE FUNCTION reembed.mark_all('chunks', %L)
    $sql$, existing.relation, existing.name);
  END LOOP;
END $$;
--> statement-breakpoint
-- What is counted, as an item of FROM with a column `id`, and whether its table exists.
CREATE FUNCTION reembed.counted_relation(of_kind text, of_name text, OUT relation text, OUT there boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  partition text := format('%I.%I', 'reembed'::name, 'chunk_embeddings_' || of_name);
BEGIN
  IF of_kind = 'vectors' THEN
    relation := format('(SELECT chunk_id AS id FROM %s v)', partition);
    there := to_regclass(partition) IS NOT NULL;
  ELSE
    SELECT c.relation, to_regclass(coalesce(c.source->>'table', c.relation)) IS NOT NULL INTO relation, there
    FROM reembed.chunkings c WHERE c.name = of_name;
  END IF;
END $$;
--> statement-breakpoint
-- How many chunks a chunking has, or vectors a profile: what is stored, and each block anew whose number may be old. Where
-- more than 4,096 blocks wait, as after an upgrade, counting everything is not slower. Stable, so that all of it is one
-- snapshot; and each part has a plan of its own, because the estimate for counting everything had the whole compiled, which
-- took 150 ms.
CREATE FUNCTION reembed.count_rows(of_kind text, of_name text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  relation text := (reembed.counted_relation(of_kind, of_name)).relation;
  old bigint[] := ARRAY(
    SELECT block FROM reembed.count_marks WHERE kind = of_kind AND name = of_name
    UNION SELECT chunk_id >> 16 FROM reembed.logged_changes WHERE of_kind = 'chunks' AND chunking = of_name
    UNION SELECT NULL FROM reembed.change_log
      WHERE of_kind = 'chunks' AND chunking = of_name AND chunk_id IS NULL AND key IS NULL);
  stored bigint;
  counted bigint;
BEGIN
  IF cardinality(old) > 4096 OR array_position(old, NULL) IS NOT NULL THEN
    EXECUTE format('SELECT count(*) FROM %s c', relation) INTO counted;
    RETURN counted;
  END IF;
  SELECT coalesce(sum(b.counted), 0) INTO stored FROM reembed.block_counts b
  WHERE b.kind = of_kind AND b.name = of_name AND b.block <> ALL(old);
  EXECUTE format($sql$
    SELECT coalesce(sum(block.counted), 0) FROM unnest($1) o (block) CROSS JOIN LATERAL (
      SELECT count(*) AS counted FROM %s c WHERE c.id BETWEEN o.block << 16 AND (o.block << 16) + 65535
    ) block
  $sql$, relation) INTO counted USING old;
  RETURN stored + counted;
END $$;
--> statement-breakpoint
-- Replaces the mark of everything by a mark for each block that there is. Not where ids are so sparse that blocks would say
-- nothing, as those that contain a time: these are counted as a whole.
CREATE FUNCTION reembed.mark_each_block(of_kind text, of_name text, relation text) RETURNS void
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  least bigint;
  greatest bigint;
BEGIN
  EXECUTE format('SELECT id FROM %s c ORDER BY id LIMIT 1', relation) INTO least;
  EXECUTE format('SELECT id FROM %s c ORDER BY id DESC LIMIT 1', relation) INTO greatest;
  IF (greatest >> 16) - (least >> 16) > 65536 THEN
    DELETE FROM reembed.count_marks WHERE kind = of_kind AND name = of_name AND block IS NOT NULL;
    RETURN;
  END IF;
  -- Each block by one lookup in the index of ids.
  EXECUTE format($sql$
    WITH RECURSIVE whole AS (
      DELETE FROM reembed.count_marks WHERE kind = $1 AND name = $2 AND block IS NULL
    ), forgotten AS (
      DELETE FROM reembed.block_counts WHERE kind = $1 AND name = $2
    ), blocks (block) AS (
      (SELECT c.id >> 16 FROM %1$s c ORDER BY c.id LIMIT 1)
      UNION ALL
      SELECT (SELECT c.id >> 16 FROM %1$s c WHERE c.id >= ((b.block + 1) << 16) ORDER BY c.id LIMIT 1)
      FROM blocks b WHERE b.block < 140737488355327
    )
    INSERT INTO reembed.count_marks (kind, name, block) SELECT $1, $2, block FROM blocks WHERE block IS NOT NULL
  $sql$, relation) USING of_kind, of_name;
END $$;
--> statement-breakpoint
-- Counts marked blocks, those first that were marked first; returns how many. One process at a time, or an older count could
-- be stored last. The lock's number spells `coun`. A table that was dropped, or cannot be read now, keeps its marks.
CREATE FUNCTION reembed.recount_blocks(at_most integer) RETURNS integer
LANGUAGE plpgsql SET row_security = off AS $$
DECLARE
  concerned record;
  counting record;
  marked bigint;
  recounted integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(1668248942) THEN RETURN 0; END IF;
  FOR concerned IN SELECT kind, name, bool_or(block IS NULL) AS whole FROM reembed.count_marks GROUP BY kind, name LOOP
    counting := reembed.counted_relation(concerned.kind, concerned.name);
    CONTINUE WHEN counting.there IS NOT TRUE;
    BEGIN
      IF concerned.whole THEN PERFORM reembed.mark_each_block(concerned.kind, concerned.name, counting.relation); END IF;
      FOR marked IN
        SELECT block FROM reembed.count_marks WHERE kind = concerned.kind AND name = concerned.name AND block IS NOT NULL
        GROUP BY block ORDER BY min(id) LIMIT at_most - recounted
      LOOP
        EXECUTE format($sql$
          WITH seen AS (
            DELETE FROM reembed.count_marks WHERE kind = $1 AND name = $2 AND block = $3
          )
          INSERT INTO reembed.block_counts (kind, name, block, counted)
          SELECT $1, $2, $3, (SELECT count(*) FROM %s c WHERE c.id BETWEEN $3 << 16 AND ($3 << 16) + 65535)
          ON CONFLICT (kind, name, block) DO UPDATE SET counted = excluded.counted
        $sql$, counting.relation) USING concerned.kind, concerned.name, marked;
        recounted := recounted + 1;
      END LOOP;
    EXCEPTION
      WHEN undefined_table OR undefined_column OR undefined_function OR datatype_mismatch THEN
        IF concerned.kind = 'vectors' THEN RAISE; END IF;
      WHEN OTHERS THEN
        IF concerned.kind = 'vectors' OR NOT reembed.blames_row(SQLSTATE) THEN RAISE; END IF;
    END;
  END LOOP;
  RETURN recounted;
END $$;
