CREATE TABLE "reembed"."operator_changes" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_by" text NOT NULL,
	"subject" text NOT NULL,
	"from_value" text,
	"to_value" text,
	"reason" text NOT NULL
);
