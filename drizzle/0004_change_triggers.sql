-- A row per document and transaction that changed it. Nobody ever waits for it: with one row per document, two writers
-- of chunks of one document would wait for each other, and an edit for the producer that cuts this document.
ALTER TABLE "reembed"."document_changes" ADD COLUMN "transaction" xid8 DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "reembed"."document_changes" DROP CONSTRAINT "document_changes_pkey";--> statement-breakpoint
ALTER TABLE "reembed"."document_changes" ADD CONSTRAINT "document_changes_key_transaction_pk" PRIMARY KEY("key","transaction");--> statement-breakpoint
CREATE INDEX "document_changes_order" ON "reembed"."document_changes" USING btree ("changed_at");--> statement-breakpoint
CREATE TABLE "reembed"."chunk_offsets" (
	"chunking" text NOT NULL,
	"chunk_id" bigint NOT NULL,
	"document_id" bigint NOT NULL,
	"start_offset" integer NOT NULL,
	"end_offset" integer NOT NULL,
	CONSTRAINT "chunk_offsets_chunking_chunk_id_pk" PRIMARY KEY("chunking","chunk_id")
);
--> statement-breakpoint
ALTER TABLE "reembed"."chunk_offsets" ADD CONSTRAINT "chunk_offsets_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "reembed"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "chunk_offsets_document" ON "reembed"."chunk_offsets" USING btree ("document_id");--> statement-breakpoint
-- A chunk has a new text: a change for every profile of its chunking whose backfill has begun and that is in use.
CREATE FUNCTION reembed.note_chunk(chunking text, chunk bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reembed.chunk_changes (profile, chunk_id)
  SELECT p.name, chunk FROM reembed.profiles p
  WHERE p.chunking = note_chunk.chunking AND p.state NOT IN ('registered', 'retired') ORDER BY p.name
  ON CONFLICT (profile, chunk_id)
  DO UPDATE SET changed_at = clock_timestamp(), enqueued_until = NULL, attempts = 0;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION reembed.record_chunk_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM reembed.note_chunk(TG_ARGV[0], NEW.id);
  RETURN NULL;
END $$;
--> statement-breakpoint
-- A document has another text: it is to be cut again.
CREATE FUNCTION reembed.note_document(document text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reembed.document_changes (key) VALUES (document) ON CONFLICT DO NOTHING;
END $$;
--> statement-breakpoint
-- A chunk is gone. Vectors of our own chunks have gone by their foreign key then; to an application's table there is none.
-- Sessions keep the plans that they made when these tables were small: with a sequential scan in one, deleting 20,000
-- chunks took over ten minutes instead of seconds.
CREATE FUNCTION reembed.erase_chunk(chunking text, chunk bigint) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
  concerned text;
BEGIN
  FOR concerned IN SELECT name FROM reembed.profiles p WHERE p.chunking = erase_chunk.chunking LOOP
    DELETE FROM reembed.chunk_embeddings WHERE chunk_id = chunk AND profile = concerned;
    DELETE FROM reembed.chunk_changes WHERE chunk_id = chunk AND profile = concerned;
    DELETE FROM reembed.quarantined_chunks WHERE chunk_id = chunk AND profile = concerned;
  END LOOP;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION reembed.forget_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM reembed.erase_chunk(TG_ARGV[0], OLD.id);
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Fired by TRUNCATE of an adopted table, with its chunking as the argument. The application's role has no right here:
-- such functions run as their owner, with a search_path that nobody else writes to.
CREATE FUNCTION reembed.follow_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  concerned CONSTANT text[] := ARRAY(SELECT name FROM reembed.profiles WHERE chunking = TG_ARGV[0]);
BEGIN
  DELETE FROM reembed.chunk_embeddings WHERE profile = ANY(concerned);
  DELETE FROM reembed.chunk_changes WHERE profile = ANY(concerned);
  DELETE FROM reembed.quarantined_chunks WHERE profile = ANY(concerned);
  PERFORM reembed.note_document(source_key) FROM reembed.documents WHERE source_key IS NOT NULL;
  RETURN NULL;
END $$;
--> statement-breakpoint
-- Of documents that plain SQL has written. What Reembed writes it cuts itself, and says so for its own transaction.
CREATE FUNCTION reembed.record_document_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM reembed.note_document(coalesce(NEW.source_key, NEW.uri));
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER record_text AFTER INSERT ON reembed.documents FOR EACH ROW
WHEN (current_setting('reembed.cutting', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION reembed.record_document_change();
--> statement-breakpoint
CREATE TRIGGER record_edit AFTER UPDATE ON reembed.documents FOR EACH ROW
WHEN (OLD.body IS DISTINCT FROM NEW.body AND current_setting('reembed.cutting', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION reembed.record_document_change();
