CREATE TABLE "reembed"."identities" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"name" text NOT NULL
);
--> statement-breakpoint
INSERT INTO "reembed"."identities" ("name") VALUES (substr(md5(gen_random_uuid()::text), 1, 12));
