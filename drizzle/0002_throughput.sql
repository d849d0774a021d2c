CREATE TABLE "reembed"."throughput" (
	"profile" text NOT NULL,
	"minute" timestamp with time zone NOT NULL,
	"chunks" integer NOT NULL,
	"tokens" bigint NOT NULL,
	CONSTRAINT "throughput_profile_minute_pk" PRIMARY KEY("profile","minute")
);
