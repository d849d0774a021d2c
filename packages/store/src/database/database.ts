import { defaultSchema, endsWithin, messageOf, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as schema from "../schema/tables.ts";
import { type OnStatement, readingClient } from "./dry-run.ts";
import { installationClient } from "./installation.ts";
import { prepareSession } from "./session.ts";

/** Drizzle over a pool of connections; `$client` is the pool. */
export type Database = NodePgDatabase<typeof schema> & { $client: pg.Pool };
/** A database or an open transaction on one. */
export type Queryable = Pick<Database, "select" | "insert" | "update" | "delete" | "execute">;

/**
 * Time limit of statements in milliseconds, by the purpose of their pool. Work whose duration grows with the corpus has no
 * purpose and no limit: builds, copies, sweeps, verifications.
 */
export const statementBudgetsMs = { search: 10_000, background: 60_000, dashboard: 60_000 } as const;

export interface OpenDatabaseOptions {
  connectionString: string;
  /** Where everything of ours is; by default `reembed`. */
  schema?: string | undefined;
  maxConnections?: number;
  /** Sets the time limit of statements. */
  purpose?: keyof typeof statementBudgetsMs | undefined;
  /** Aborts a statement that is not answered for this long, and closes its connection; by default none is aborted. */
  answerWithinMs?: number | undefined;
  /** Called when an idle connection is lost. The pool replaces it by itself. */
  onConnectionLost?: (error: Error) => void;
  /** Makes the database read-only: called with every statement that would write, which is not run and returns no rows. */
  onDryRun?: OnStatement | undefined;
  /** Every statement runs in a read-only transaction, so that PostgreSQL refuses to write, behind any pooler too. */
  readOnly?: boolean;
}

/** A server that hangs answers neither a statement nor the closing of a connection. */
const answerMs = 10_000;
const goodbyeMs = 1_000;

/** A pool whose end waits neither for a server that hangs nor for an unanswered statement. */
class PromptPool extends pg.Pool {
  readonly schema: string;

  constructor(schema: string, config: pg.PoolConfig) {
    super(config);
    this.schema = schema;
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    const ended = endsWithin(goodbyeMs, super.end()).then(() => undefined);
    if (callback === undefined) return ended;
    void ended.then(callback);
    return undefined;
  }
}

/** Opens a pool, which connects on first use. The caller ends `$client`. */
export function openDatabase({
  connectionString,
  schema: installation = defaultSchema,
  maxConnections = 4,
  purpose,
  answerWithinMs,
  onConnectionLost,
  onDryRun,
  readOnly = false,
}: OpenDatabaseOptions): Database {
  const reading = onDryRun === undefined && !readOnly ? pg.Client : readingClient(onDryRun);
  const pool = new PromptPool(installation, {
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 10_000,
    // Keepalive notices within half a minute that a server has vanished during a statement, which itself may take hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    onConnect: (client) => prepareFor(purpose, client),
    ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
    Client: installationClient(installation, reading),
  });
  // Without a listener for "error", a lost idle connection would end the process.
  pool.on("error", (error) => onConnectionLost?.(error));
  // The same goes for a connection in use, after its running query has been rejected.
  pool.on("connect", (client) => client.on("error", () => {}));
  return drizzle(pool, { schema });
}

/** PGlite has one session for all, so that a limit would also apply to builds. */
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
 * Checks that the server answers and can store vectors, before any work starts.
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
 * Requires UTF-8: both sides hash texts in UTF-8, and every character must be storable.
 * @throws ReembedError `database_encoding`.
 */
export function requireUtf8(encoding: string): void {
  if (encoding === "UTF8") return;
  throw refused(
    "database_encoding",
    `The database stores texts as ${encoding}; Reembed needs UTF8.`,
    "Run CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8', and restore a dump of this database into it.",
  );
}

/**
 * Checks the version of pgvector that is installed in the database or, before that, available on its server.
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

/** The database's server without name and password, as logs show it: `PostgreSQL at db:5432`. */
export function describeServer({ $client }: Database): string {
  const { host, port } = new pg.Client($client.options.connectionString);
  return `PostgreSQL at ${host}:${port}`;
}

function unreachable({ $client }: Database, error: unknown): ReembedError {
  const { host, port, database: name } = new pg.Client($client.options.connectionString);
  const code = codeOf(error);
  const reason = messageOf(error) || code;
  const database = name === undefined ? "The database" : `The database ${name}`;
  const known = remedies.find(({ when }) => when.test(code) || when.test(reason));
  return new ReembedError("database_unreachable", `${database} at ${host}:${port} cannot be opened: ${reason}`, {
    remedy: known?.remedy ?? "Check that the server is running and that DATABASE_URL is right.",
    cause: error,
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error ? String(error.code) : codeOf(error.cause);
}

/** By the codes of Node and PostgreSQL, and by messages of node-postgres that have no code. */
const remedies = [
  {
    when: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/,
    remedy:
      "This host does not trust the server's certificate: add sslrootcert=<file of the authority that signed it> to DATABASE_URL, or sslmode=no-verify, which encrypts without checking who answers.",
  },
  { when: /^ERR_TLS_CERT_ALTNAME_INVALID$/, remedy: "Use the host name of the certificate in DATABASE_URL." },
  { when: /^CERT_/, remedy: "Renew the server's certificate, or correct the clocks of both hosts." },
  {
    when: /^The server does not support SSL connections$/,
    remedy: "Leave sslmode and certificates out of DATABASE_URL, or set ssl = on on the server.",
  },
  {
    when: /^(28000|28P01)$/,
    remedy: "Check the user and the password in DATABASE_URL, and that pg_hba.conf admits them.",
  },
];

function refused(code: string, message: string, remedy?: string): ReembedError {
  return new ReembedError(code, message, { exitCode: 3, ...(remedy === undefined ? {} : { remedy }) });
}

/** PostgreSQL's error code of an error that a query has thrown, for example `40P01`. */
export function sqlState(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string" && /^[0-9A-Z]{5}$/.test(current.code))
      return current.code;
  }
  return undefined;
}

/** Throws if the database does not answer. */
export async function pingDatabase(database: Database): Promise<void> {
  await database.execute(sql`select 1`);
}
