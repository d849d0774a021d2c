CREATE TABLE "reembed"."spendings" (
	"profile" text PRIMARY KEY NOT NULL,
	"sent_tokens" bigint DEFAULT 0 NOT NULL,
	"cost" double precision DEFAULT 0 NOT NULL,
	"price" double precision,
	"budget" double precision
);
--> statement-breakpoint
ALTER TABLE "reembed"."workers" ADD COLUMN "waits_for" text;--> statement-breakpoint
ALTER TABLE "reembed"."spendings" ADD CONSTRAINT "spendings_profile_profiles_name_fk" FOREIGN KEY ("profile") REFERENCES "reembed"."profiles"("name") ON DELETE cascade ON UPDATE no action;