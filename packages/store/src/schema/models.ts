import type { Pooling } from "@reembed/core";
import { boolean, doublePrecision, foreignKey, integer, primaryKey, real, text } from "drizzle-orm/pg-core";
import { moment, reembed } from "./columns.ts";

/**
 * The models that profiles name, each revision once. A row never changes: with another prompt it is another revision. So all
 * nodes embed alike, whatever their version's catalogue says.
 */
export const models = reembed.table(
  "models",
  {
    id: text("id").notNull(),
    revision: text("revision").notNull(),
    dimensions: integer("dimensions").notNull(),
    outputDimensions: integer("output_dimensions").notNull(),
    maxTokens: integer("max_tokens").notNull(),
    pooling: text("pooling").$type<Pooling>().notNull(),
    queryPrompt: text("query_prompt").notNull().default(""),
    passagePrompt: text("passage_prompt").notNull().default(""),
    /** The address of the server that runs it; null for a model whose files run on the workers. */
    endpoint: text("endpoint"),
    servedName: text("served_name"),
    pricePerMillion: doublePrecision("price_per_million"),
    /** Nobody can embed with it. */
    unknown: boolean("unknown").notNull().default(false),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.id, table.revision] })],
);

/** Profiles that somebody added to the catalogue's. One of them is in `profiles` too once it is baseline or candidate. */
export const addedProfiles = reembed.table(
  "added_profiles",
  {
    name: text("name").primaryKey(),
    model: text("model").notNull(),
    revision: text("revision").notNull(),
    chunkSize: integer("chunk_size").notNull(),
    chunkOverlap: integer("chunk_overlap").notNull(),
    searchLimit: integer("search_limit").notNull(),
    similarityThreshold: real("similarity_threshold").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (table) => [foreignKey({ columns: [table.model, table.revision], foreignColumns: [models.id, models.revision] })],
);
