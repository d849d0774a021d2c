import { connect } from "node:net";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { type Database, sqlState } from "./database.ts";

/** How long the server may take to accept a cancellation before its connection is given up on. */
const cancelMs = 2_000;
const cancelRequestCode = 80_877_102;

/** Whether a statement ended because it was cancelled, by somebody or by its own budget. */
export function isCancelled(error: unknown): boolean {
  return sqlState(error) === "57014";
}

/**
 * Does work on a connection of its own from the pool. When the signal is aborted, the statement under way is cancelled on
 * the server and the connection ends: closing it alone would leave the statement running to its end.
 * @throws whatever the work throws; the signal's reason where it was aborted before a connection was there.
 */
export async function withCancellation<T>(
  { $client: pool }: Database,
  signal: AbortSignal,
  work: (session: Database) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = await pool.connect();
  let cancelling = false;
  const cancel = () => {
    cancelling = true;
    // Not into the pool again: a cancellation that comes late would meet the next statement.
    void sendCancellation(client).finally(() => client.release(true));
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    // It may have been aborted while a connection was waited for.
    signal.throwIfAborted();
    return await work(drizzle(client) as unknown as Database);
  } finally {
    signal.removeEventListener("abort", cancel);
    if (!cancelling) client.release();
  }
}

/**
 * The protocol's own CancelRequest ("Message Formats", PostgreSQL's manual), on a connection that says nothing else:
 * `pg_cancel_backend` would need a session to be free, and behind a pooler knows another process than this client does.
 */
async function sendCancellation(client: pg.PoolClient): Promise<void> {
  const { processID, secretKey, host, port } = client as unknown as Record<
    "processID" | "secretKey" | "port",
    number
  > & {
    host: string;
  };
  const request = Buffer.alloc(16);
  for (const [index, word] of [16, cancelRequestCode, processID, secretKey].entries())
    request.writeInt32BE(word, 4 * index);
  const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.setTimeout(cancelMs, () => socket.destroy());
  // The server closes it when it has passed the cancellation on; one that is away has nothing to cancel.
  socket.on("error", () => {}).on("close", () => resolve());
  socket.end(request);
  await promise;
}
