import { endsWithin, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as schema from "../schema/tables.ts";
import { type OnStatement, readingClient } from "./dry-run.ts";
import { prepareSession } from "./session.ts";

/** Drizzle over a pool of connections; `$client` is the pool. */
export type Database = NodePgDatabase<typeof schema> & { $client: pg.Pool };
/** A database or an open transaction on one. */
export type Queryable = Pick<Database, "select" | "insert" | "update" | "delete" | "execute">;

/**
 * How long a statement may take, in milliseconds, by what its pool is for. Work that takes as long as the corpus is large
 * has no purpose and no limit: builds, copies, sweeps, verifications.
 */
export const statementBudgetsMs = { search: 10_000, background: 60_000, dashboard: 60_000 } as const;

export interface OpenDatabaseOptions {
  connectionString: string;
  maxConnections?: number;
  /** Ends statements that take longer than is right for it. */
  purpose?: keyof typeof statementBudgetsMs | undefined;
  /** Gives a statement up that is not answered for so long, and its connection with it; none is given up without. */
  answerWithinMs?: number | undefined;
  /** Told when an idle connection is lost. The pool replaces it by itself. */
  onConnectionLost?: (error: Error) => void;
  /** Changes nothing: told of every statement that would write, which is not run and answers with no rows. */
  onDryRun?: OnStatement | undefined;
}

/** A server that hangs answers neither a statement nor a goodbye. */
const answerMs = 10_000;
const goodbyeMs = 1_000;

/** A pool whose end does not wait for a server that hangs, nor for a statement that it has not answered. */
class PromptPool extends pg.Pool {
  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    const ended = endsWithin(goodbyeMs, super.end()).then(() => undefined);
    if (callback === undefined) return ended;
    void ended.then(callback);
    return undefined;
  }
}

/** Opens a pool; it connects when it is first used. The caller ends `$client`. */
export function openDatabase({
  connectionString,
  maxConnections = 4,
  purpose,
  answerWithinMs,
  onConnectionLost,
  onDryRun,
}: OpenDatabaseOptions): Database {
  const pool = new PromptPool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 10_000,
    // A server that vanished while a statement runs is noticed within half a minute, and a statement may take hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    onConnect: (client) => prepareFor(purpose, client),
    ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
    ...(onDryRun === undefined ? {} : { Client: readingClient(onDryRun) }),
  });
  // Without a listener the loss of an idle connection would end the process.
  pool.on("error", (error) => onConnectionLost?.(error));
  // So would that of one in use, after the query under way on it has been rejected.
  pool.on("connect", (client) => client.on("error", () => {}));
  return drizzle(pool, { schema });
}

/** PGlite is one session for all, and a limit would be one for builds too. */
async function prepareFor(purpose: OpenDatabaseOptions["purpose"], client: pg.ClientBase): Promise<void> {
  await prepareSession(client);
  if (purpose === undefined) return;
  await client.query(
    `select set_config('statement_timeout', '${statementBudgetsMs[purpose]}', false) where version() !~ 'emcc'`,
  );
}

const leastPostgres = 15;
const leastVector = [0, 8] as const;

/**
 * Checks that the server is there and can hold vectors, before any work starts.
 * @throws ReembedError `database_unreachable`, `postgres_too_old`, `database_encoding`, `pgvector_missing` or
 * `pgvector_too_old`.
 */
export async function checkDatabase(database: Database): Promise<void> {
  const asked = database
    .execute<{ server: number; encoding: string; vector: string | null }>(sql`
      select current_setting('server_version_num')::int / 10000 as server,
        current_setting('server_encoding') as encoding,
        coalesce(
          (select extversion from pg_extension where extname = 'vector'),
          (select default_version from pg_available_extensions where name = 'vector')
        ) as vector`)
    .catch((error: unknown) => {
      throw unreachable(database, error);
    });
  if (!(await endsWithin(answerMs, asked))) {
    throw unreachable(database, new Error(`no answer for ${answerMs / 1_000} s`));
  }
  const [{ server, encoding, vector } = { server: 0, encoding: "", vector: null }] = (await asked).rows;
  requirePostgres(server);
  requireUtf8(encoding);
  requirePgvector(vector);
}

/** @throws ReembedError `postgres_too_old`. */
export function requirePostgres(major: number): void {
  if (major >= leastPostgres) return;
  throw refused(
    "postgres_too_old",
    `PostgreSQL is version ${major}; ${leastPostgres} or newer is needed.`,
    "Upgrade the server: pg_upgrade keeps its data.",
  );
}

/**
 * Texts are hashed as UTF-8 on both sides, and every character must have a place.
 * @throws ReembedError `database_encoding`.
 */
export function requireUtf8(encoding: string): void {
  if (encoding === "UTF8") return;
  throw refused(
    "database_encoding",
    `The database stores texts as ${encoding}; Reembed needs UTF8.`,
    "Run CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8', and restore a dump of this one into it.",
  );
}

/**
 * Takes the version of pgvector that is installed in the database or, before that, to hand on its server.
 * @throws ReembedError `pgvector_missing` or `pgvector_too_old`.
 */
export function requirePgvector(version: string | null): void {
  if (version === null) {
    throw refused(
      "pgvector_missing",
      "This PostgreSQL server has no pgvector.",
      `Install pgvector ${leastVector.join(".")} or newer on it.`,
    );
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < leastVector[0] || (major === leastVector[0] && minor < leastVector[1])) {
    throw refused(
      "pgvector_too_old",
      `pgvector is version ${version}; ${leastVector.join(".")} or newer is needed.`,
      "Install a newer pgvector and run ALTER EXTENSION vector UPDATE.",
    );
  }
}

/** Where the database is, without name and password, as logs call it: `PostgreSQL at db:5432`. */
export function describeServer({ $client }: Database): string {
  const { host, port } = new pg.Client($client.options.connectionString);
  return `PostgreSQL at ${host}:${port}`;
}

function unreachable({ $client }: Database, error: unknown): ReembedError {
  const { host, port, database: name } = new pg.Client($client.options.connectionString);
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = cause instanceof Error ? cause.message || code : String(cause);
  const database = name === undefined ? "The database" : `The database ${name}`;
  const known = remedies.find(({ when }) => when.test(code) || when.test(reason));
  return new ReembedError("database_unreachable", `${database} at ${host}:${port} cannot be opened: ${reason}`, {
    remedy: known?.remedy ?? "Is the server running, and is DATABASE_URL right?",
    cause: error,
  });
}

/** By Node's and PostgreSQL's codes, and by what node-postgres says without one. */
const remedies = [
  {
    when: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/,
    remedy:
      "Nobody whom this host trusts signed the server's certificate: add sslrootcert=<file of its authority> to DATABASE_URL, or sslmode=no-verify, which encrypts without knowing who answers.",
  },
  { when: /^ERR_TLS_CERT_ALTNAME_INVALID$/, remedy: "Name the host in DATABASE_URL as its certificate does." },
  { when: /^CERT_/, remedy: "Renew the server's certificate, or look at the clocks of both hosts." },
  {
    when: /^The server does not support SSL connections$/,
    remedy: "Leave sslmode and certificates out of DATABASE_URL, or set ssl = on on the server.",
  },
  {
    when: /^(28000|28P01)$/,
    remedy: "Are the user and the password in DATABASE_URL right, and does pg_hba.conf admit them?",
  },
];

function refused(code: string, message: string, remedy?: string): ReembedError {
  return new ReembedError(code, message, { exitCode: 3, ...(remedy === undefined ? {} : { remedy }) });
}

/** PostgreSQL's error code of anything thrown by a query, for instance `40P01`. */
export function sqlState(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string" && /^[0-9A-Z]{5}$/.test(current.code))
      return current.code;
  }
  return undefined;
}

/** Throws when the database does not answer. */
export async function pingDatabase(database: Database): Promise<void> {
  await database.execute(sql`select 1`);
}
