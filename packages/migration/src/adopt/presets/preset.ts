/** What a column must be. `whole` is an integer of any size, `json` is json or jsonb. */
export type ColumnKind = "text" | "whole" | "uuid" | "json" | "vector" | "timestamp" | "bytes";

/**
 * Where a chunk's parts are in a row, as SQL over the row's columns, whose names are quoted in it. A part whose columns a
 * table does not have is left out, unless it is the id, the content or the embedding.
 */
export interface PresetParts {
  /** The names of the columns that identify a row. */
  id: string[];
  content: string;
  embedding: string;
  document?: string;
  position?: string;
  title?: string;
  language?: string;
  metadata?: string;
}

/** The table of documents that a foreign key leads to. Of each list, the first column that the table has is taken. */
export interface PresetDocuments {
  /** The column of the chunks with the foreign key. */
  through: string;
  uri?: string[];
  title?: string[];
  language?: string[];
  body?: string[];
}

/** How a framework stores chunks and vectors: what recognises its table, and what its columns mean. */
export interface Preset {
  /** For `--as`. */
  name: string;
  framework: string;
  /** Where the framework creates its table. */
  source: string;
  /** The names that its table has. */
  tables: RegExp;
  /** The columns that a table must have, with their kinds. */
  columns: Record<string, ColumnKind | ColumnKind[]>;
  /** Whether these columns occur in no other framework's table, so that its name does not matter. */
  distinctive: boolean;
  parts: PresetParts;
  documents?: PresetDocuments;
  /** The column that tells collections apart, which may have different models. Not every table has it. */
  collections?: string;
  /** Whether shorter vectors are filled up with zeros. Adoption takes as many numbers as the profile's model makes. */
  padded?: boolean;
  /** What to know beforehand. */
  notes?: string[];
  settings: SwitchSettings;
}

/** How the application is switched to the new vectors: `{schema}` is the one that `reembed expose` creates. */
interface SwitchSettings {
  schema: string;
  model: string;
  /** The type that the framework insists on, if a halfvec will not do. */
  type?: "vector";
  /** Whether it writes with ON CONFLICT, which PostgreSQL refuses on a view: what writes stays with the old schema. */
  upserts?: true;
}

/** A whole number below a thousand million out of a JSON value, and 0 where there is none. */
export function numberIn(value: string): string {
  return `coalesce(case when (${value}) ~ '^[0-9]{1,9}$' then (${value})::int end, 0)`;
}
