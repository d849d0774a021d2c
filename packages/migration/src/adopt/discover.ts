import type { Profile } from "@reembed/core";
import { type Database, type Queryable, schemaOf } from "@reembed/store/database";
import {
  readCollections,
  readVectorTables,
  type SampledVectors,
  sampleVectors,
  type VectorIndex,
  type VectorTable,
} from "@reembed/store/discovery";
import { findObstacles, type Obstacle } from "./obstacles.ts";
import { type Preset, presets } from "./presets/index.ts";
import { fromPreset, type ProposedSource, propose } from "./proposal.ts";
import { isOfKind, recognise } from "./recognise.ts";

/** A column of vectors that was found, and how to adopt it. */
export interface DiscoveredTable {
  table: string;
  column: string;
  type: string;
  /** The preset for `--as`; null if no framework is known to make such a table. */
  preset: string | null;
  framework: string | null;
  /** Where the framework creates its table. */
  definition: string | null;
  /** Null before the first ANALYZE of a large table. */
  rows: number | null;
  rowsFrom: "statistics" | "count" | null;
  /** The lengths of its vectors, by the column's type or else by a sample. */
  dimensions: number[];
  dimensionsFrom: "type" | "sample";
  /** If vectors are filled up with zeros: how many of their numbers the model made. */
  unpadded: number | null;
  indexes: VectorIndex[];
  source: ProposedSource;
  /** The whole table, or each collection of it by itself. */
  adoptions: ProposedAdoption[];
  /** Whether this installation has adopted it. */
  adopted: boolean;
  /** The schemas of other installations that have. */
  adoptedBy: string[];
  obstacles: Obstacle[];
  notes: string[];
  settings: Preset["settings"] | null;
}

export interface ProposedAdoption {
  collection: string | null;
  /** A condition on the rows; null for all of them. */
  where: string | null;
  /** Estimated from a sample; null if it cannot be told. */
  rows: number | null;
  dimensions: number[];
}

/** Finds every table with vectors, tells what made it, and how to adopt it. Only reads, and few rows. */
export async function discoverTables(database: Database, baseline: Profile): Promise<DiscoveredTable[]> {
  const own = schemaOf(database);
  return await database.transaction(
    async (transaction) => {
      const discovered: DiscoveredTable[] = [];
      for (const table of await readVectorTables(transaction)) {
        const preset = recognise(table, presets);
        const vectors = table.columns.filter((column) => isOfKind(column, "vector"));
        const known = vectors.filter(({ name }) => preset?.parts.embedding === `"${name}"`);
        for (const { name } of known.length > 0 ? known : vectors) {
          discovered.push(await examine(transaction, table, name, { preset, baseline, own }));
        }
      }
      return discovered;
    },
    { accessMode: "read only" },
  );
}

interface Context {
  preset: Preset | undefined;
  baseline: Profile;
  /** The schema of this installation. */
  own: string;
}

async function examine(
  database: Queryable,
  table: VectorTable,
  name: string,
  { preset, baseline, own }: Context,
): Promise<DiscoveredTable> {
  const column = table.columns.find((one) => one.name === name);
  const source = preset === undefined ? propose(table, name) : fromPreset(table, preset);
  const by = table.columns.find((one) => one.name === preset?.collections)?.name;
  const readable = table.kind === "table" && !table.filtered && !table.missingRights.includes("SELECT");
  const { sample, whole } = readable ? await sampleVectors(database, table, name, by) : { sample: [], whole: false };
  const rows = rowsOf(table, sample, whole);
  const dimensions = column?.dimensions ? [column.dimensions] : lengthsIn(sample);
  const unpadded = preset?.padded ? unpaddedLength(sample) : null;
  const adoptions = by === undefined ? [] : await collectionsOf(database, table, { by, sample, rows: rows.rows });
  return {
    ...{ table: table.name, column: name, type: column?.type ?? "vector" },
    preset: preset?.name ?? null,
    framework: preset?.framework ?? null,
    definition: preset?.source ?? null,
    ...rows,
    dimensions,
    dimensionsFrom: column?.dimensions ? "type" : "sample",
    unpadded,
    indexes: table.indexes[name] ?? [],
    source,
    adoptions: adoptions.length > 0 ? adoptions : [{ collection: null, where: null, rows: rows.rows, dimensions }],
    adopted: table.followed,
    adoptedBy: table.followedBy.filter((schema) => schema !== own),
    obstacles: findObstacles(table, source),
    notes: [
      ...(preset?.notes ?? []),
      ...describeLengths(unpadded === null ? dimensions : [unpadded], {
        sample,
        baseline,
        split: adoptions.length > 1,
      }),
    ],
    settings: preset?.settings ?? null,
  };
}

function rowsOf(
  { estimatedRows }: VectorTable,
  sample: readonly SampledVectors[],
  whole: boolean,
): Pick<DiscoveredTable, "rows" | "rowsFrom"> {
  if (whole) return { rows: count(sample), rowsFrom: "count" };
  return { rows: estimatedRows, rowsFrom: estimatedRows === null ? null : "statistics" };
}

/** A length that shorter vectors share, if all that were examined end with zeros. */
function unpaddedLength(sample: readonly SampledVectors[]): number | null {
  const used = Math.max(0, ...sample.map((group) => group.used ?? 0));
  return used > 0 && used < Math.max(0, ...lengthsIn(sample)) ? used : null;
}

/** A table's collections: those that are named in the table that they refer to, and those of sampled rows. */
async function collectionsOf(
  database: Queryable,
  { references }: VectorTable,
  { by, sample, rows }: { by: string; sample: SampledVectors[]; rows: number | null },
): Promise<ProposedAdoption[]> {
  const reference = references.find(({ column, columns }) => column === by && columns.some((c) => c.name === "name"));
  const named = reference === undefined ? [] : await readCollections(database, reference, "name");
  const sampled = sample.flatMap(({ collection }) => (collection === null ? [] : [{ key: collection, name: null }]));
  const all = new Map([...sampled, ...named].map(({ key, name }) => [key, name ?? key]));
  const total = count(sample);
  return [...all].map(([key, name]) => {
    const own = sample.filter(({ collection }) => collection === key);
    return {
      collection: name,
      where: `${by} = '${key.replaceAll("'", "''")}'`,
      rows: rows === null || total === 0 ? null : Math.round((rows * count(own)) / total),
      dimensions: lengthsIn(own),
    };
  });
}

function describeLengths(
  lengths: readonly number[],
  { sample, baseline, split }: { sample: readonly SampledVectors[]; baseline: Profile; split: boolean },
): string[] {
  const { name, model } = baseline;
  const notes: string[] = [];
  if (lengths.length > 1 && !split) {
    notes.push(
      `Vectors of ${lengths.join(" and ")} dimensions come from different models: adopt those of one with --where.`,
    );
  }
  if (lengths.length > 0 && !lengths.includes(model.dimensions)) {
    notes.push(
      `${name}, the baseline, has ${model.dimensions} dimensions: give the profile of the model that made these vectors with --profile, or adopt the table without them with --reembed.`,
    );
  }
  const empty = count(sample.filter(({ dimensions }) => dimensions === null));
  if (count(sample) > 0 && empty === count(sample))
    notes.push("No sampled row has a vector: adopt the table with --reembed.");
  return notes;
}

function lengthsIn(sample: readonly SampledVectors[]): number[] {
  return [...new Set(sample.flatMap(({ dimensions }) => dimensions ?? []))].sort((a, b) => a - b);
}

function count(sample: readonly SampledVectors[]): number {
  return sample.reduce((sum, { rows }) => sum + rows, 0);
}
