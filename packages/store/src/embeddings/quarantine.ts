import { beforeFirstId } from "@reembed/core";
import { sql } from "drizzle-orm";
import { lockChanges } from "../changes/change-log.ts";
import { encodeByteaArray, encodeInt8Array } from "../database/binary-values.ts";
import type { Database } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

export interface RejectedChunk {
  chunkId: number;
  /** sha256 of the rejected text in UTF-8. */
  contentHash: Buffer;
  /** A short name such as `empty_text`. */
  reason: string;
  /** A sentence for operators, which never contains the text. */
  detail: string;
}

/**
 * Quarantines chunks that cannot be embedded, if they still have the rejected text, and removes their changes. A vector of an
 * older text is removed, because a search must not find a text that no longer exists. Returns the quarantined ids.
 */
export async function quarantineChunks(
  database: Database,
  profile: RegisteredProfile,
  rejected: readonly RejectedChunk[],
): Promise<number[]> {
  if (rejected.length === 0) return [];
  const { rows } = await repeatOnConflict(() =>
    database.execute<{ chunk_id: string }>(sql`
      select chunk_id from reembed.quarantine_chunks(
        ${profile.name}, ${profile.relation},
        ${encodeInt8Array(rejected.map((chunk) => chunk.chunkId))}::bigint[],
        ${encodeByteaArray(rejected.map((chunk) => chunk.contentHash))}::bytea[],
        ${sql.param(rejected.map((chunk) => chunk.reason))}::text[],
        ${sql.param(rejected.map((chunk) => chunk.detail))}::text[]
      ) as set_aside (chunk_id)`),
  );
  return rows.map((row) => Number(row.chunk_id));
}

/** A quarantined chunk, with its document. */
export interface QuarantinedChunk {
  chunkId: number;
  documentId: number | null;
  /** Null if an adopted chunk has no document here, as before the documents are created. */
  title: string | null;
  uri: string | null;
  reason: string;
  detail: string;
  attempts: number;
  lastSeen: Date;
}

type QuarantinedRow = Pick<QuarantinedChunk, "title" | "uri" | "reason" | "detail" | "attempts"> &
  Record<"id" | "last_seen", string> & { document_id: string | null };

/** Quarantined chunks in the order of ids, starting after `after`. */
export async function readQuarantined(
  database: Database,
  profile: RegisteredProfile,
  { reason, after = beforeFirstId, limit }: { reason?: string | undefined; after?: number; limit: number },
): Promise<QuarantinedChunk[]> {
  const ofReason = reason === undefined ? sql`` : sql`and q.reason = ${reason}`;
  const { rows } = await database.execute<QuarantinedRow>(sql`
    select ${columns} ${quarantinedOf(profile)} and q.chunk_id > ${after} ${ofReason}
    order by q.chunk_id limit ${limit}`);
  return rows.map(fromRow);
}

/** One quarantined chunk with its text; undefined if it is not in quarantine. */
export async function readQuarantinedChunk(
  database: Database,
  profile: RegisteredProfile,
  chunkId: number,
): Promise<(QuarantinedChunk & { content: string }) | undefined> {
  const { rows } = await database.execute<QuarantinedRow & { content: string }>(sql`
    select ${columns}, c.content ${quarantinedOf(profile)} and q.chunk_id = ${chunkId}`);
  return rows.map((row) => ({ ...fromRow(row), content: row.content }))[0];
}

const columns = sql`
  c.id, c.document_id, d.title, d.uri, q.reason, q.detail, q.attempts, extract(epoch from q.last_seen) * 1000 as last_seen`;

function quarantinedOf(profile: RegisteredProfile) {
  return sql`
    from reembed.quarantined_chunks q
    join ${sql.raw(profile.relation)} c on c.id = q.chunk_id
    left join reembed.documents d on d.id = c.document_id
    where q.profile = ${profile.name}`;
}

function fromRow({
  id,
  document_id,
  title,
  uri,
  reason,
  detail,
  attempts,
  last_seen,
}: QuarantinedRow): QuarantinedChunk {
  const documentId = document_id === null ? null : Number(document_id);
  return {
    chunkId: Number(id),
    documentId,
    title,
    uri,
    reason,
    detail,
    attempts,
    lastSeen: new Date(Number(last_seen)),
  };
}

/** Removes chunks from quarantine and records them as changes, which the producer enqueues. Returns their number. */
export async function retryQuarantined(
  database: Database,
  profile: RegisteredProfile,
  chosen: { chunkIds: readonly number[] } | { reason: string },
): Promise<number> {
  const condition =
    "reason" in chosen ? sql`reason = ${chosen.reason}` : sql`chunk_id = any(${sql.param(chosen.chunkIds)}::bigint[])`;
  const statement = sql`
    with released as (
      delete from reembed.quarantined_chunks where profile = ${profile.name} and ${condition}
        and exists (select from ${sql.raw(profile.relation)} c where c.id = chunk_id)
      returning chunk_id
    ), recorded as (
      insert into reembed.chunk_changes (profile, chunk_id)
      select ${profile.name}, chunk_id from released order by chunk_id
      on conflict (profile, chunk_id) do update set enqueued_until = null, priority = null, attempts = 0
    )
    select count(*) as retried from released`;
  return await repeatOnConflict(() =>
    database.transaction(async (transaction) => {
      await lockChanges(transaction, "shared");
      const { rows } = await transaction.execute<{ retried: string }>(statement);
      return Number(rows[0]?.retried ?? 0);
    }),
  );
}
