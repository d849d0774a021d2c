import { sql } from "drizzle-orm";
import { readAdoption } from "../adoption/adoption.ts";
import { type MisfitDocument, type RefreshedDocuments, refreshDocuments } from "../adoption/adoption-documents.ts";
import { takeChanges } from "../changes/change-log.ts";
import { settingFailingRowsAside } from "../changes/failing-rows.ts";
import {
  addChunkCounts,
  type ChunkCounts,
  cutDocuments,
  noChunks,
  readOwnChunkings,
} from "../corpus/chunk-replacement.ts";
import { keepFromRecutting } from "../corpus/documents.ts";
import type { Database, Queryable } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";

/** The result of cutting documents again. */
export interface RecutDocuments {
  documents: number;
  /** Number of documents that no longer existed. */
  removed: number;
  chunks: ChunkCounts;
  /** Number of documents assembled from chunks that do not continue one another, and the first hundred of them. */
  misfitDocuments: number;
  misfits: MisfitDocument[];
  unplacedChunks: number;
}

const namedMisfits = 100;

export const nothingRecut: Readonly<RecutDocuments> = {
  documents: 0,
  removed: 0,
  chunks: noChunks,
  misfitDocuments: 0,
  misfits: [],
  unplacedChunks: 0,
};

export function addRecut(a: RecutDocuments, b: RecutDocuments): RecutDocuments {
  return {
    documents: a.documents + b.documents,
    removed: a.removed + b.removed,
    chunks: addChunkCounts(a.chunks, b.chunks),
    misfitDocuments: a.misfitDocuments + b.misfitDocuments,
    // A list of limited size: copying the whole list in each of 8,000 transactions took 36 s.
    misfits: a.misfits.length < namedMisfits ? [...a.misfits, ...b.misfits].slice(0, namedMisfits) : a.misfits,
    unplacedChunks: a.unplacedChunks + b.unplacedChunks,
  };
}

/** Spells `recu`: held by the transaction that cuts documents which others have changed. */
const recutLock = 0x72656375;

/**
 * Cuts documents again that were changed in the application's tables or by plain SQL, the oldest change first, and removes
 * their changes in the same transaction. A change that is committed meanwhile has its own row, which stays.
 * @returns Undefined if there was no change.
 */
export async function recutChangedDocuments(
  database: Database,
  { limit }: { limit: number },
): Promise<RecutDocuments | undefined> {
  // A TRUNCATE of the application's tables is one row of the log, which concerns every document.
  await takeChanges(database);
  return await cutAlone(database, async (transaction) => {
    const { rows } = await transaction.execute<{ key: string }>(sql`
      delete from reembed.document_changes where key in (
        select key from (select key from reembed.document_changes order by changed_at, key limit ${limit}) oldest)
      returning key`);
    if (rows.length === 0) return undefined;
    return await recut(transaction, [...new Set(rows.map((row) => row.key))]);
  });
}

/**
 * Moves the oldest change behind all others, because its document cannot be cut and must not block them.
 * Returns the document's key; undefined if there was no change.
 */
export async function postponeOldestChange(database: Database): Promise<string | undefined> {
  const { rows } = await database.execute<{ key: string }>(sql`
    update reembed.document_changes set changed_at = clock_timestamp()
    where key = (select key from reembed.document_changes order by changed_at, key limit 1)
    returning key`);
  return rows[0]?.key;
}

/**
 * Cuts documents into chunkings in which they have no chunks, as after `init` with another chunking, in the order of ids.
 * @returns The result with the last document's id, after which to continue; undefined if there was none.
 */
export async function recutUncutDocuments(
  database: Database,
  { after, limit }: { after: number; limit: number },
): Promise<(RecutDocuments & { last: number }) | undefined> {
  return await cutAlone(database, async (transaction) => {
    const { rows } = await transaction.execute<{ id: string; key: string }>(sql`
      select d.id, coalesce(d.source_key, d.uri) as key from reembed.documents d
      where d.id > ${after} and ${await uncut(transaction)} order by d.id limit ${limit}`);
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    return {
      ...(await recut(
        transaction,
        rows.map((row) => row.key),
      )),
      last: Number(last.id),
    };
  });
}

/** Number of documents that lack chunks in some chunking. A document without any text always does. */
export async function countUncutDocuments(database: Database): Promise<number> {
  const { rows } = await database.execute<{ count: string }>(
    sql`select count(*) from reembed.documents d where ${await uncut(database)}`,
  );
  return Number(rows[0]?.count);
}

/** The body of an adopted document is empty until it is read. */
async function uncut(database: Queryable) {
  const lacks = (await readOwnChunkings(database)).map(
    ({ relation }) => sql`not exists (select from ${sql.raw(relation)} c where c.document_id = d.id)`,
  );
  const isEmpty = sql`d.body = ''`;
  return sql`(${sql.join([isEmpty, ...lacks], sql` or `)}) and (d.source_key is not null or not ${isEmpty})`;
}

/**
 * Only one transaction at a time cuts documents that others have changed: producers and `rechunk` wait for each other. It is
 * read committed, so that statements after the lock see what the previous transaction has committed.
 */
async function cutAlone<T>(database: Database, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  const cut = () =>
    database.transaction(
      async (transaction) => {
        await transaction.execute(sql.raw(`select pg_advisory_xact_lock(${recutLock})`));
        await keepFromRecutting(transaction);
        return await work(transaction);
      },
      { isolationLevel: "read committed" },
    );
  return await settingFailingRowsAside(database, () => repeatOnConflict(cut));
}

async function recut(transaction: Queryable, keys: readonly string[]): Promise<RecutDocuments> {
  const adoption = await readAdoption(transaction);
  const refreshed =
    adoption === undefined
      ? await lockDocuments(transaction, keys)
      : await refreshDocuments(transaction, adoption, keys);
  const { documents, ...rest } = refreshed;
  const chunks = await cutDocuments(transaction, documents);
  return { ...rest, documents: documents.length, misfitDocuments: rest.misfits.length, chunks };
}

/** In the order of uris, in which `storeDocuments` locks them too. Documents that were adopted once have a key of their own. */
async function lockDocuments(transaction: Queryable, keys: readonly string[]): Promise<RefreshedDocuments> {
  const chosen = sql`(uri = any(${sql.param(keys)}::text[]) or source_key = any(${sql.param(keys)}::text[]))`;
  await transaction.execute(sql`select from reembed.documents where ${chosen} order by uri for no key update`);
  const { rows } = await transaction.execute<{ id: string; body: string }>(
    sql`select id, body from reembed.documents where ${chosen}`,
  );
  const documents = rows.map(({ id, body }) => ({ id: Number(id), body }));
  return { documents, removed: 0, misfits: [], unplacedChunks: 0 };
}
