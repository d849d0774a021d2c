CREATE TABLE "reembed"."api_tokens" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"sha256" "bytea" NOT NULL,
	"role" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	CONSTRAINT "api_tokens_sha256_unique" UNIQUE("sha256")
);
--> statement-breakpoint
CREATE TABLE "reembed"."tasks" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"profile" text NOT NULL,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"requested_by" text NOT NULL,
	"taken_by" text,
	"seen_at" timestamp with time zone,
	"says" text,
	"ended_at" timestamp with time zone,
	"succeeded" boolean
);
--> statement-breakpoint
ALTER TABLE "reembed"."operator_changes" ADD COLUMN "changed_as" text;
--> statement-breakpoint
ALTER TABLE "reembed"."rollout_events" ADD COLUMN "changed_as" text;
--> statement-breakpoint
CREATE UNIQUE INDEX "api_tokens_name" ON "reembed"."api_tokens" USING btree ("name") WHERE "revoked_at" is null;
--> statement-breakpoint
CREATE UNIQUE INDEX "tasks_one_open" ON "reembed"."tasks" USING btree ((ended_at is null)) WHERE ended_at is null;