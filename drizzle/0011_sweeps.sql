CREATE TABLE "reembed"."sweeps" (
	"profile" text PRIMARY KEY NOT NULL,
	"position" bigint,
	"ended_at" timestamp with time zone
);
