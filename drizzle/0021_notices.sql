CREATE TABLE "reembed"."notices" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"kind" text NOT NULL,
	"occurrence" text NOT NULL,
	"profile" text,
	"occurred_at" timestamp with time zone NOT NULL,
	"noticed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"detail" jsonb NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone,
	"delivered_at" timestamp with time zone,
	"error" text
);
--> statement-breakpoint
CREATE UNIQUE INDEX "notices_once" ON "reembed"."notices" USING btree ("kind","occurrence") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "notices_due" ON "reembed"."notices" USING btree ("next_attempt_at") WHERE next_attempt_at is not null;