import { sql } from "drizzle-orm";
import { bareName, documentKey, keyText } from "../adoption/adopted-relation.ts";
import type { Database } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";
import type { AdoptedSource, ChunkSource, DocumentSource } from "../schema/corpus.ts";
import type { Stage } from "./stage.ts";

/** The copied rows, as the source of an adoption. */
export interface CopiedSample {
  source: ChunkSource;
  rows: number;
  /** The share of documents that was copied, with all their rows. */
  share: number;
}

/** With fewer rows, no measure says anything: then a greater share is copied. */
const leastRows = 500;
/** The documents are chosen by a hash of their key, of which this many values are told apart. */
const parts = 1_000_000;

/**
 * Copies a share of the documents of an application's table, each with all its rows, and of its table of documents. The table
 * is read once, by one statement; no row of it is locked.
 */
export async function copySample(
  database: Database,
  source: AdoptedSource,
  { stage, share: wanted }: { stage: Stage; share: number },
): Promise<CopiedSample> {
  const table = `${quoted(stage.rows)}.${bareName(source.table)}`;
  const run = (statement: string) => database.execute(sql.raw(statement));
  let share = wanted;
  for (;;) {
    const { rowCount } = await run(`create table ${table} as ${rowsOf(source, share)}`);
    const rows = rowCount ?? 0;
    if (rows >= leastRows || share >= 1) {
      for (const column of source.id) await run(`alter table ${table} alter column ${column} set not null`);
      await run(`create unique index on ${table} (${source.id.join(", ")})`);
      const documents = source.documents && (await copyDocuments(database, source, source.documents, { stage, table }));
      await run(`analyze ${table}`);
      return { source: { ...asWanted(source), table, ...(documents && { documents }) }, rows, share };
    }
    await run(`drop table ${table}`);
    share = Math.min(1, share * Math.max(2, (2 * leastRows) / Math.max(rows, 1)));
  }
}

/** A row without a document is a document of its own. */
function rowsOf(source: AdoptedSource, share: number): string {
  const key = `coalesce((${documentKey(source)})::text, ${keyText(source)})`;
  const chosen = `mod(hashtextextended(${key}, 0) & 9223372036854775807, ${parts}) < ${Math.ceil(parts * share)}`;
  const condition = source.where === undefined ? chosen : `(${source.where}) and ${chosen}`;
  return `select ${bareName(source.table)}.* from ${source.table} where ${condition}`;
}

async function copyDocuments(
  database: Database,
  { document, documentType }: AdoptedSource,
  documents: DocumentSource,
  { stage, table }: { stage: Stage; table: string },
): Promise<DocumentSource> {
  const own = bareName(documents.table);
  const name = `${quoted(stage.rows)}.${own === bareName(table) ? quoted("documents of the rows") : own}`;
  const run = (statement: string) => database.execute(sql.raw(statement));
  await run(`create table ${name} as select ${own}.* from ${documents.table}
    where (${documents.key})::${documentType} in (select (${document})::${documentType} from ${table})`);
  await run(`create unique index on ${name} ((${documents.key}))`);
  await run(`analyze ${name}`);
  return { ...documents, table: name };
}

/** Without what was found out about the original table. */
function asWanted({ idTypes: _, documentType: __, numbered: ___, ...source }: AdoptedSource): ChunkSource {
  return source;
}
