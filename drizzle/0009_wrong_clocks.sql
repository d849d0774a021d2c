CREATE TABLE "reembed"."wrong_clocks" (
	"host" text PRIMARY KEY NOT NULL,
	"ahead_ms" double precision NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);
