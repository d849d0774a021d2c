import { sql } from "drizzle-orm";
import { bareName, documentKey, keyText, mayFail } from "../adoption/adopted-relation.ts";
import { withCancellation } from "../database/cancellation.ts";
import type { Database } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";
import type { AdoptedSource, ChunkSource, DocumentSource } from "../schema/corpus.ts";
import type { RehearsalSchemas } from "./rehearsal-schemas.ts";

/** The copied rows, as the source of an adoption. */
export interface CopiedSample {
  source: ChunkSource;
  rows: number;
  /** The share of the table's rows. */
  share: number;
}

export interface CopyOptions {
  schemas: RehearsalSchemas;
  /** The share of documents to copy. */
  share: number;
  signal: AbortSignal;
}

/** With fewer rows, no measure says anything: then a greater share is copied. */
const leastRows = 500;
/** By how much the share grows at a time at most, because a few large documents may be all that there is. */
const mostGrowth = 4;
/** The documents are chosen by a hash of their key, of which this many values are told apart. */
const parts = 1_000_000;

/**
 * Copies a share of the documents of an application's table, each with all its rows, and of its table of documents. The table
 * is read as a whole, once for each share that turns out to be too small and once to count; no row of it is locked. The
 * signal cancels the statement that is running.
 */
export async function copySample(
  database: Database,
  source: AdoptedSource,
  { schemas, share, signal }: CopyOptions,
): Promise<CopiedSample> {
  return await withCancellation(database, signal, async (session) => {
    const table = `${quoted(schemas.rows)}.${bareName(source.table)}`;
    const run = (statement: string) => session.execute(sql.raw(statement));
    const { rows: counted } = await session.execute<{ all: string }>(
      sql`select count(*) as all from ${sql.raw(`${source.table} where ${source.where ?? "true"}`)}`,
    );
    const all = Number(counted[0]?.all);
    const rows = await copyRows(source, { table, share, run });
    for (const column of source.id) await run(`alter table ${table} alter column ${column} set not null`);
    await run(`create unique index on ${table} (${source.id.join(", ")})`);
    const documents = source.documents && (await copyDocuments(source, source.documents, { schemas, table, run }));
    await run(`analyze ${table}`);
    const copy = { ...asWanted(source), table, ...(documents && { documents }) };
    return { source: copy, rows, share: all === 0 ? 1 : rows / all };
  });
}

type Run = (statement: string) => Promise<{ rowCount: number | null }>;

async function copyRows(
  source: AdoptedSource,
  { table, share, run }: { table: string; share: number; run: Run },
): Promise<number> {
  for (let wanted = share; ; ) {
    const { rowCount } = await run(`create table ${table} as ${rowsOf(source, wanted)}`);
    const rows = rowCount ?? 0;
    if (rows >= leastRows || wanted >= 1) return rows;
    await run(`drop table ${table}`);
    wanted = Math.min(1, wanted * Math.min(mostGrowth, Math.max(1.2, (1.2 * leastRows) / rows)));
  }
}

/**
 * A row without a document is a document of its own; so is every row where the document's expression may fail on some. A
 * condition of the operator's comes first, because it may keep such rows away.
 */
function rowsOf(source: AdoptedSource, share: number): string {
  const own = keyText(source);
  const key = mayFail(source.document) ? own : `coalesce((${documentKey(source)})::text, ${own})`;
  const chosen = `mod(hashtextextended(${key}, 0) & 9223372036854775807, ${parts}) < ${Math.ceil(parts * share)}`;
  const condition = source.where === undefined ? chosen : `case when (${source.where}) then ${chosen} end`;
  return `select ${bareName(source.table)}.* from ${source.table} where ${condition}`;
}

async function copyDocuments(
  source: AdoptedSource,
  documents: DocumentSource,
  { schemas, table, run }: { schemas: RehearsalSchemas; table: string; run: Run },
): Promise<DocumentSource> {
  const own = bareName(documents.table);
  const name = `${quoted(schemas.rows)}.${own === bareName(table) ? quoted("documents of the rows") : own}`;
  const type = source.documentType;
  const ofRows = `where (${documents.key})::${type} in (select (${documentKey(source)})::${type} from ${table})`;
  await run(
    `create table ${name} as select ${own}.* from ${documents.table} ${mayFail(source.document) ? "" : ofRows}`,
  );
  // An adoption asks for it of a column alone, and an expression need be neither unique nor immutable.
  if (/^(?:\w+|"(?:[^"]|"")+")$/.test(documents.key)) await run(`create unique index on ${name} ((${documents.key}))`);
  await run(`analyze ${name}`);
  return { ...documents, table: name };
}

/** Without what was found out about the original table. */
function asWanted({ idTypes: _, documentType: __, numbered: ___, ...source }: AdoptedSource): ChunkSource {
  return source;
}
