import { ReembedError, sessionSettings } from "@reembed/core";
import { sql } from "drizzle-orm";
import type pg from "pg";
import type { Database } from "./database.ts";

/** PGlite is compiled by Emscripten, and has one session for all connections. */
export async function hasOneSession(database: Pick<Database, "execute">): Promise<boolean> {
  const { rows } = await database.execute<{ one: boolean }>(sql`select version() like '%emcc%' as one`);
  return rows[0]?.one === true;
}

/**
 * Checks that every connection has its own session on the server. A pooler in transaction mode gives each transaction
 * another session, so that a session's locks, settings and notifications belong to nobody.
 * @param purpose What needs that, and the alternative.
 * @throws ReembedError `transaction_pooling` (exit code 3).
 */
export async function requireOwnSessions(database: Database, purpose: "queue" | "index build"): Promise<void> {
  if (!(await sharesSessions(database))) return;
  const sentence = "A pooler in transaction mode stands before the database, and";
  const address = "name the server itself, or a pooler in session mode, in DATABASE_URL";
  const [message, remedy] =
    purpose === "queue"
      ? [`${sentence} the queue in the database needs sessions of its own.`, `Set REDIS_URL, or ${address}.`]
      : [`${sentence} the build of an index needs a session of its own.`, `For this command, ${address}.`];
  throw new ReembedError("transaction_pooling", message, { exitCode: 3, remedy });
}

/**
 * If there is a pooler in transaction mode, checks that its sessions have the settings that we rely on: a setting that a
 * client makes there is lost in the next transaction.
 * @throws ReembedError `pooled_settings` (exit code 3) with the statements that fix it.
 */
async function requirePooledSettings(database: Database): Promise<void> {
  const { rows } = await database.execute<{ name: string; wanted: string }>(sql`
    select s.name, w.wanted from json_each_text(${JSON.stringify(sessionSettings)}) as w (name, wanted)
    join pg_settings s on lower(s.name) = lower(w.name)
    where s.reset_val <> w.wanted and s.name <> all (${sql.param(trackedByPoolers)}::text[]) order by 1`);
  if (rows.length === 0 || !(await sharesSessions(database))) return;
  const changes = rows.map(({ name, wanted }) => `ALTER ROLE CURRENT_USER SET ${name} = '${wanted}';`).join(" ");
  throw new ReembedError(
    "pooled_settings",
    `A pooler in transaction mode is in front of the database, whose role has its own ${rows.map(({ name }) => name).join(", ")}.`,
    { exitCode: 3, remedy: `Run ${changes} Or set DATABASE_URL to the server itself.` },
  );
}

/** PgBouncer tracks these per client. */
const trackedByPoolers = ["DateStyle", "TimeZone", "client_encoding", "standard_conforming_strings"];

/** Whether two connections share a session of the server, or one connection uses two. */
async function sharesSessions(database: Database): Promise<boolean> {
  if (await hasOneSession(database)) return false;
  const clients = await Promise.all([database.$client.connect(), database.$client.connect()]);
  try {
    const owners = new Map<number, pg.PoolClient>();
    for (const client of [...clients, ...clients, ...clients]) {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      const pid = rows[0]?.pid ?? 0;
      if ((owners.get(pid) ?? client) !== client) return true;
      owners.set(pid, client);
    }
    return owners.size > clients.length;
  } finally {
    for (const client of clients) client.release();
  }
}

/**
 * Checks that sessions are what the queue in the database needs or, where it is elsewhere, what we do.
 * @throws ReembedError `transaction_pooling` or `pooled_settings`.
 */
export async function checkSessions(database: Database, { redisUrl }: { redisUrl: string | undefined }): Promise<void> {
  if (redisUrl === undefined) await requireOwnSessions(database, "queue");
  else await requirePooledSettings(database);
}
