import { isTransient, messageOf, ReembedError } from "@reembed/core";
import pg from "pg";
import type { QueueServer } from "./server.ts";

/**
 * Wraps a transient error in one that names the server: BullMQ continues by itself when the server is back. Other errors
 * stay as they are.
 */
export function explainQueueError(server: QueueServer, error: Error): Error {
  if (!isTransient(error)) return error;
  return new ReembedError("queue_away", `Waiting for ${describeQueueServer(server)}: ${messageOf(error)}`, {
    cause: error,
  });
}

/** The queue's server without name and password, as logs show it: `Redis at cache:6379`. */
export function describeQueueServer(server: QueueServer): string {
  if (server.kind === "postgres") {
    const { host, port } = new pg.Client(server.connectionString);
    return `PostgreSQL at ${host}:${port}`;
  }
  const { hostname, port } = new URL(server.url);
  return `Redis at ${hostname}:${port || 6379}`;
}
