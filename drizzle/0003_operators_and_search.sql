CREATE TABLE "reembed"."document_changes" (
	"key" text PRIMARY KEY NOT NULL,
	"changed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reembed"."evaluations" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"baseline" text NOT NULL,
	"candidate" text NOT NULL,
	"evaluated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"verdict" text NOT NULL,
	"report" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reembed"."rollout_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_by" text NOT NULL,
	"from_stage" text NOT NULL,
	"from_percent" real NOT NULL,
	"to_stage" text NOT NULL,
	"to_percent" real NOT NULL,
	"reason" text NOT NULL,
	"forced" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reembed"."rollouts" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"baseline" text NOT NULL,
	"candidate" text NOT NULL,
	"stage" text DEFAULT 'baseline' NOT NULL,
	"percent" real DEFAULT 0 NOT NULL,
	"shadow_percent" real DEFAULT 0 NOT NULL,
	"salt" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reembed"."search_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"searched_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"profile" text NOT NULL,
	"shadow_of" text,
	"query" text,
	"took_ms" real NOT NULL,
	"results" integer NOT NULL,
	"chunk_ids" bigint[] DEFAULT '{}' NOT NULL,
	"scores" real[] DEFAULT '{}' NOT NULL,
	"error" text,
	"overlap10" real,
	"rank_correlation" real
);
--> statement-breakpoint
CREATE TABLE "reembed"."search_feedback" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"chunk_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"given_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reembed"."verifications" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"profile" text NOT NULL,
	"verified_at" timestamp with time zone DEFAULT now() NOT NULL,
	"passed" boolean NOT NULL,
	"report" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "reembed"."chunk_embeddings" DROP CONSTRAINT "chunk_embeddings_profile_chunk_id_pk";--> statement-breakpoint
ALTER TABLE "reembed"."chunk_embeddings" ALTER COLUMN "token_count" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "reembed"."chunk_embeddings" ALTER COLUMN "truncated_tokens" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "reembed"."chunk_embeddings" ADD CONSTRAINT "chunk_embeddings_chunk_id_profile_pk" PRIMARY KEY("chunk_id","profile");--> statement-breakpoint
ALTER TABLE "reembed"."chunkings" ADD COLUMN "source" jsonb;--> statement-breakpoint
ALTER TABLE "reembed"."documents" ADD COLUMN "source_key" text;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "backfill_order" text DEFAULT 'id' NOT NULL;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "backfill_until" real;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "backfill_rate" real;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "paused" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "held" text;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "estimate" jsonb;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD COLUMN "ann" jsonb;--> statement-breakpoint
CREATE INDEX "search_events_profile" ON "reembed"."search_events" USING btree ("profile","searched_at");--> statement-breakpoint
CREATE INDEX "search_events_request" ON "reembed"."search_events" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "search_feedback_request" ON "reembed"."search_feedback" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "chunk_embeddings_content_hash" ON "reembed"."chunk_embeddings" USING btree ("content_hash");--> statement-breakpoint
ALTER TABLE "reembed"."documents" ADD CONSTRAINT "documents_source_key_unique" UNIQUE("source_key");