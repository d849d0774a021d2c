-- "complete" said too much: changes may wait. It means that the backfill has left no gap.
UPDATE "reembed"."profiles" SET "state" = 'backfilled' WHERE "state" = 'complete';
