import { formatMoment, type Role } from "@reembed/core";
import { desc, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { apiTokens } from "../schema/operators.ts";
import { recordChange } from "./operator-changes.ts";

/** A token as it is listed: without its hash. */
export type ApiToken = Omit<typeof apiTokens.$inferSelect, "sha256">;

const { id, name, role, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt } = apiTokens;
const columns = { id, name, role, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt };

export interface NewToken {
  name: string;
  sha256: Buffer;
  role: Role;
  expiresAt: Date | null;
  createdBy: string;
}

/** Adds a token and records who did. Returns false if there is one of this name that is not revoked. */
export async function addToken(database: Database, token: NewToken): Promise<boolean> {
  return await database.transaction(async (transaction) => {
    const added = await transaction
      .insert(apiTokens)
      .values(token)
      .onConflictDoNothing({ target: apiTokens.name, where: sql`revoked_at is null` })
      .returning({ id });
    if (added.length === 0) return false;
    const until = token.expiresAt === null ? "" : `, until ${formatMoment(token.expiresAt)}`;
    await record(transaction, token.name, token.createdBy, { from: "none", to: `${token.role}${until}` });
    return true;
  });
}

/** Revokes a token and records who did. Returns false if there is none of this name that is not revoked. */
export async function endToken(
  database: Database,
  { name: revoked, by }: { name: string; by: string },
): Promise<boolean> {
  return await database.transaction(async (transaction) => {
    const { rows } = await transaction.execute<{ role: Role }>(sql`
      update reembed.api_tokens set revoked_at = now() where name = ${revoked} and revoked_at is null returning role`);
    if (rows[0] === undefined) return false;
    await record(transaction, revoked, by, { from: rows[0].role, to: "revoked" });
    return true;
  });
}

async function record(database: Queryable, of: string, by: string, { from, to }: { from: string; to: string }) {
  await recordChange(database, { subject: `token ${of}`, fromValue: from, toValue: to }, { by, reason: "" });
}

/** All tokens, the newest first, also those that have ended. */
export async function readTokens(database: Queryable): Promise<ApiToken[]> {
  return await database.select(columns).from(apiTokens).orderBy(desc(id));
}

/** The token with this hash, also if it has ended, and whether it has expired by the database's clock. */
export async function findToken(
  database: Queryable,
  sha256: Buffer,
): Promise<(ApiToken & { expired: boolean }) | undefined> {
  const expired = sql<boolean>`coalesce(${expiresAt} <= now(), false)`;
  const [found] = await database
    .select({ ...columns, expired })
    .from(apiTokens)
    .where(sql`${apiTokens.sha256} = ${sha256}`);
  return found;
}

/** Notes that a token is in use, once in ten minutes: a script that asks every second shall not write every second. */
export async function touchToken(database: Queryable, token: Pick<ApiToken, "id">): Promise<void> {
  await database.execute(sql`
    update reembed.api_tokens set last_used_at = now()
    where id = ${token.id} and (last_used_at is null or last_used_at < now() - interval '10 minutes')`);
}
