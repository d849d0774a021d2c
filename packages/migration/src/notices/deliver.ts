import { createHmac } from "node:crypto";
import { backoffMs, messageOf } from "@reembed/core";
import { type Database, schemaOf } from "@reembed/store/database";
import { claimNotice, type DueNotice, markDelivered, markFailed } from "@reembed/store/notices";

export interface Webhook {
  url: string;
  /** `whsec_` and the key in base64. */
  secret: string;
  /** How long a receiver may take to answer. */
  timeoutMs?: number;
}

/** An attempt to deliver a notice. */
export interface Attempt {
  notice: DueNotice;
  /** Why it failed; undefined if the receiver has taken it. */
  error: string | undefined;
  givenUp: boolean;
}

const timeoutMs = 10_000;
/** The first wait is longer than an attempt takes. */
const waits = { leastMs: 30_000, mostMs: 3_600_000 };

/**
 * Sends the notice that has been due for the longest, once. Undefined if none is due. It is delivered at least once: if the
 * process ends during the attempt, or the receiver's answer is lost, it is sent again with the same webhook-id.
 * @param signal Ends the attempt, which another process then repeats.
 */
export async function deliverNotice(
  database: Database,
  webhook: Webhook,
  signal: AbortSignal,
): Promise<Attempt | undefined> {
  const notice = await claimNotice(database);
  if (notice === undefined) return undefined;
  const error = await post(webhook, notice, bodyOf(notice, schemaOf(database)), signal);
  signal.throwIfAborted();
  if (error === undefined) {
    await markDelivered(database, notice);
    return { notice, error, givenUp: false };
  }
  const waitMs = backoffMs(notice.attempts, waits);
  return { notice, error, givenUp: await markFailed(database, notice, { error, waitMs }) };
}

function bodyOf({ kind, profile, occurredAt, detail }: DueNotice, schema: string): string {
  const data = { profile, schema, ...detail };
  return JSON.stringify({ type: kind, timestamp: occurredAt.toISOString(), data });
}

/** Returns why the receiver has not taken it. */
async function post(
  { url, secret, timeoutMs: patienceMs = timeoutMs }: Webhook,
  { id }: DueNotice,
  body: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const timestamp = Math.floor(Date.now() / 1_000);
  const late = AbortSignal.timeout(patienceMs);
  try {
    const {
      ok,
      status,
      body: answer,
    } = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "reembed",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signatureOf({ id, timestamp, body, secret }),
      },
      body,
      // A redirect would send the notice where nobody has asked for it.
      redirect: "manual",
      signal: AbortSignal.any([signal, late]),
    });
    await answer?.cancel();
    if (ok) return undefined;
    return status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`;
  } catch (error) {
    if (late.aborted) return `no answer within ${patienceMs / 1_000} s`;
    // Node's message is `fetch failed`, and the cause says why.
    return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}

/** By Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 of the id, the time and the body. */
export function signatureOf({
  id,
  timestamp,
  body,
  secret,
}: Record<"id" | "body" | "secret", string> & { timestamp: number }) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}
