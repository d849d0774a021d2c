-- Fired per row on every partition of chunks, with its chunking as the argument. A row is written for each profile
-- whose backfill has begun: from then on every new text is recorded, and the backfill itself ends at its target.
CREATE FUNCTION reembed.record_chunk_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reembed.chunk_changes (profile, chunk_id)
  SELECT name, NEW.id FROM reembed.profiles WHERE chunking = TG_ARGV[0] AND state <> 'registered' ORDER BY name
  ON CONFLICT (profile, chunk_id)
  DO UPDATE SET changed_at = clock_timestamp(), enqueued_until = NULL, attempts = 0;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Vectors of a deleted chunk go by their foreign key; these two have none, because an adopted chunk has no row here.
CREATE FUNCTION reembed.forget_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM reembed.chunk_changes
  WHERE chunk_id = OLD.id AND profile IN (SELECT name FROM reembed.profiles WHERE chunking = TG_ARGV[0]);
  DELETE FROM reembed.quarantined_chunks
  WHERE chunk_id = OLD.id AND profile IN (SELECT name FROM reembed.profiles WHERE chunking = TG_ARGV[0]);
  RETURN NULL;
END $$;
