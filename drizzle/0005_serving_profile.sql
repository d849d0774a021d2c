ALTER TABLE "reembed"."rollout_events" ADD COLUMN "baseline_window" jsonb;
--> statement-breakpoint
-- The profile that answers a subject, for applications that search in SQL: the same one that the search API takes.
-- SECURITY DEFINER, so that an application needs no right on our tables for it.
CREATE FUNCTION reembed.reembed_profile(subject text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog
RETURN (
  SELECT CASE
    WHEN ('x' || encode(substr(sha256(convert_to(salt || ':' || subject, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint % 10000
      < round(percent::numeric * 100)
    THEN candidate ELSE baseline END
  FROM reembed.rollouts WHERE id = 1
);
--> statement-breakpoint
-- And without the schema's name, where this role may create in `public` and nothing of this name is there.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public' AND has_schema_privilege(oid, 'CREATE'))
    AND to_regprocedure('public.reembed_profile(text)') IS NULL
  THEN
    CREATE FUNCTION public.reembed_profile(subject text) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog
    RETURN reembed.reembed_profile(subject);
  END IF;
END $$;
