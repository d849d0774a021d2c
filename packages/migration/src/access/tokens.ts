import { createHash, randomBytes } from "node:crypto";
import { formatMoment, ReembedError, type Role } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type ApiToken, addToken, endToken, findToken, touchToken } from "@reembed/store/operators";

/** So that a token is recognised where it does not belong, as by scanners of repositories. */
const prefix = "reembed_";

/**
 * Makes a token for scripts and returns it: nobody can read it again, because only its hash is stored.
 * @throws ReembedError `token_exists` (exit code 3).
 */
export async function createToken(
  database: Database,
  { name, role, expiresAt, by }: { name: string; role: Role; expiresAt: Date | null; by: string },
): Promise<string> {
  const token = `${prefix}${randomBytes(32).toString("base64url")}`;
  if (await addToken(database, { name, role, expiresAt, sha256: hashOf(token), createdBy: by })) return token;
  throw new ReembedError("token_exists", `There is a token ${name} already.`, {
    exitCode: 3,
    remedy: `Choose another name, or revoke it: \`reembed token revoke ${name}\`.`,
  });
}

/** @throws ReembedError `token_unknown` (exit code 2). */
export async function revokeToken(database: Database, name: string, by: string): Promise<void> {
  if (await endToken(database, { name, by })) return;
  throw new ReembedError("token_unknown", `There is no token ${name} that could be revoked.`, {
    exitCode: 2,
    remedy: "`reembed token list` shows all of them.",
  });
}

/** Why a token is not accepted, as a sentence for whoever sent it. */
export interface RefusedToken {
  refused: string;
}

/** The token that a client has sent. Read anew for every request: a revoked one ends at once. */
export async function authenticate(database: Database, token: string): Promise<ApiToken | RefusedToken> {
  const found = token.startsWith(prefix) ? await findToken(database, hashOf(token)) : undefined;
  if (found === undefined) return { refused: "This token is not known here." };
  const { name, revokedAt, expiresAt, expired } = found;
  if (revokedAt !== null) return { refused: `The token ${name} was revoked on ${formatMoment(revokedAt)}.` };
  if (expired && expiresAt !== null) return { refused: `The token ${name} expired on ${formatMoment(expiresAt)}.` };
  await touchToken(database, found);
  return found;
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
