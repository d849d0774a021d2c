import { eq, sql } from "drizzle-orm";
import { type Adoption, keyOf, ofDocuments, requirePresent } from "../adoption/adoption.ts";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { profiles } from "../schema/profiles.ts";

/** The estimate of `reembed estimate`, which `reembed status` compares with the actual progress. */
export interface Estimate extends Record<string, unknown> {
  /** When it was made, in ISO 8601. */
  at: string;
  /** Number of chunks of the profile's chunking; estimated too if documents are not cut yet. */
  chunks: number;
  /** Number of sampled chunks. */
  sample: number;
  /** Tokens that the model will read, with their 95 % interval. */
  tokens: { total: number; low: number; high: number };
  /** Speed of one worker. */
  tokensPerSecond: number;
  workers: number;
  /** Time until the last chunk is embedded, by these workers. */
  seconds: number;
  device: string;
  vectorBytes: number;
  indexBytes: number;
  /** Memory that the build of the ANN index needs. */
  indexBuildBytes: number;
  /** Share of chunks that are longer than the model reads, with its 95 % interval. */
  truncatedShare: number;
  truncatedShareLow: number;
  truncatedShareHigh: number;
}

export async function recordEstimate(database: Database, profile: string, estimate: Estimate): Promise<void> {
  await database.update(profiles).set({ estimate }).where(eq(profiles.name, profile));
}

export interface TextTotals {
  count: number;
  /** Size of all texts in UTF-8. PostgreSQL knows the length of a text without reading it, even if it is compressed. */
  bytes: number;
}

export async function readChunkTotals(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
): Promise<TextTotals> {
  const { rows } = await database.execute<{ count: string; bytes: string }>(
    sql`select count(*) as count, coalesce(sum(octet_length(content)), 0) as bytes from ${sql.raw(relation)} c`,
  );
  return { count: Number(rows[0]?.count), bytes: Number(rows[0]?.bytes) };
}

export async function readDocumentTotals(database: Database): Promise<TextTotals> {
  const { rows } = await database.execute<{ count: string; bytes: string }>(
    sql`select count(*) as count, coalesce(sum(octet_length(body)), 0) as bytes from reembed.documents`,
  );
  return { count: Number(rows[0]?.count), bytes: Number(rows[0]?.bytes) };
}

/** Whether a document with text has no chunk in this profile's chunking and must be cut. */
export async function hasUncutDocuments(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
): Promise<boolean> {
  const { rows } = await database.execute<{ uncut: boolean }>(sql`
    select exists (
      select from reembed.documents d
      where (body <> '' or source_key is not null)
        and not exists (select from ${sql.raw(relation)} c where c.document_id = d.id)
    ) as uncut`);
  return rows[0]?.uncut === true;
}

/** Up to `size` different random bodies. Every id is read, but only these bodies. */
export async function sampleBodies(database: Database, size: number): Promise<string[]> {
  const { rows } = await database.execute<{ body: string }>(sql`
    select body from reembed.documents
    where id in (select id from reembed.documents order by random() limit ${size}) order by id`);
  return rows.map((row) => row.body);
}

/** The texts of the chunks, in order, of up to `size` different random documents of an adopted corpus. */
export async function sampleAdopted(database: Database, adoption: Adoption, size: number): Promise<string[][]> {
  requirePresent(adoption);
  const drawn = await database.execute<{ key: string }>(sql`
    select source_key as key from reembed.documents where source_key is not null order by random() limit ${size}`);
  const keys = drawn.rows.map((row) => row.key);
  const { rows } = await database.execute<{ key: string; content: string }>(sql`
    select ${keyOf("c")} as key, c.content from ${sql.raw(adoption.relation)} c
    where ${ofDocuments(keys, adoption, "c")}
    order by c.position, c.id`);
  const contents = Map.groupBy(rows, (row) => row.key);
  return keys.map((key) => (contents.get(key) ?? []).map((row) => row.content));
}
