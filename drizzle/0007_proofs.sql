-- Which proofs were overruled, and why; before, only that some were.
ALTER TABLE "reembed"."rollout_events" ADD COLUMN "overruled" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
UPDATE "reembed"."rollout_events" SET "overruled" = jsonb_build_object('coverage', "reason") WHERE "forced";--> statement-breakpoint
ALTER TABLE "reembed"."rollout_events" DROP COLUMN "forced";
