-- The measured hnsw.ef_search or ivfflat.probes of an index had a name of its own.
UPDATE "reembed"."profiles" SET "ann" = ("ann" - 'breadth') || jsonb_build_object('searchSetting', "ann" -> 'breadth')
WHERE "ann" ? 'breadth';
