import { connect } from "node:net";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import { type Database, sqlState } from "./database.ts";

/** How long the server may take to accept a cancellation; then its connection is closed. */
const cancelMs = 2_000;
const cancelRequestCode = 80_877_102;

/** Whether a statement ended because somebody cancelled it or its time limit was reached. */
export function isCancelled(error: unknown): boolean {
  return sqlState(error) === "57014";
}

/**
 * Runs work on a separate connection of the pool. If the signal is aborted, the running statement is cancelled on the server
 * and the connection is closed: closing it alone would leave the statement running.
 * @throws Errors of the work; the signal's reason if it was aborted before there was a connection.
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
    // Not returned to the pool: a late cancellation would affect the next statement.
    void sendCancellation(client).finally(() => client.release(true));
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    // It may have been aborted while we waited for the connection.
    signal.throwIfAborted();
    return await work(drizzle(client) as unknown as Database);
  } finally {
    signal.removeEventListener("abort", cancel);
    if (!cancelling) client.release();
  }
}

/**
 * Sends the protocol's CancelRequest ("Message Formats", PostgreSQL's manual) on a separate connection. `pg_cancel_backend`
 * would need a free session, and behind a pooler the process id is not the one that this client knows.
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
  // The server closes the connection after it has forwarded the cancellation; a server that is away has nothing to cancel.
  socket.on("error", () => {}).on("close", () => resolve());
  socket.end(request);
  await promise;
}
