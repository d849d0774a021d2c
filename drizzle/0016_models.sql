CREATE TABLE "reembed"."added_profiles" (
	"name" text PRIMARY KEY NOT NULL,
	"model" text NOT NULL,
	"revision" text NOT NULL,
	"chunk_size" integer NOT NULL,
	"chunk_overlap" integer NOT NULL,
	"search_limit" integer NOT NULL,
	"similarity_threshold" real NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reembed"."models" (
	"id" text NOT NULL,
	"revision" text NOT NULL,
	"dimensions" integer NOT NULL,
	"output_dimensions" integer NOT NULL,
	"max_tokens" integer NOT NULL,
	"pooling" text NOT NULL,
	"query_prompt" text DEFAULT '' NOT NULL,
	"passage_prompt" text DEFAULT '' NOT NULL,
	"endpoint" text,
	"served_name" text,
	"price_per_million" double precision,
	"unknown" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "models_id_revision_pk" PRIMARY KEY("id","revision")
);
--> statement-breakpoint
-- The models that profiles had until now all take the first token, without prompts.
INSERT INTO "reembed"."models" ("id", "revision", "dimensions", "output_dimensions", "max_tokens", "pooling")
SELECT DISTINCT "model", "revision", "dimensions", "dimensions", CASE WHEN "model" IN ('BAAI/bge-m3', 'mini-m3') THEN 8192 ELSE 512 END, 'cls'
FROM "reembed"."profiles" ON CONFLICT DO NOTHING;
--> statement-breakpoint
ALTER TABLE "reembed"."added_profiles" ADD CONSTRAINT "added_profiles_model_revision_models_id_revision_fk" FOREIGN KEY ("model","revision") REFERENCES "reembed"."models"("id","revision") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reembed"."profiles" ADD CONSTRAINT "profiles_model_revision_models_id_revision_fk" FOREIGN KEY ("model","revision") REFERENCES "reembed"."models"("id","revision") ON DELETE no action ON UPDATE no action;