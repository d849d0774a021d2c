import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queueSchemaOf } from "@reembed/core";
import { openEmbeddedDatabase } from "@reembed/embedded";
import type { QueueServer } from "@reembed/queue";
import pg from "pg";
import { afterAll, describe, inject } from "vitest";
import { createDatabase } from "./create-database.ts";
import { startNativeRedis } from "./native-redis.ts";

/** A database, and the server of its queue. */
export interface TestServers {
  connectionString: string;
  /** The schema of the installation; by default `reembed`. */
  schema?: string;
  queue: QueueServer;
}

export type ServerKind = "embedded" | "PostgreSQL" | "PostgreSQL and Redis" | "PostgreSQL, in another schema";

/**
 * Opens servers that live until the suite ends, with the empty tables of Reembed and its queue, or with an empty database.
 */
export type OpenServers = (options?: { empty: boolean }) => Promise<TestServers>;

/**
 * Runs a suite on each of the servers that Reembed supports. If native servers are not installed, their suites are skipped
 * by name and with the reason.
 * @param suite Registers its tests.
 */
export function describeOnEachServer(
  title: string,
  suite: (open: OpenServers, kind: ServerKind) => void,
  kinds: readonly ServerKind[] = ["embedded", "PostgreSQL", "PostgreSQL and Redis"],
): void {
  const { missing } = inject("native");
  for (const kind of kinds) {
    const reason = kind === "embedded" ? undefined : missing;
    const name = reason === undefined ? `${title}, on ${kind}` : `${title}, on ${kind}: skipped, ${reason}`;
    describe.skipIf(reason !== undefined)(name, () => {
      const scope = new AsyncDisposableStack();
      afterAll(() => scope.disposeAsync());
      suite(({ empty } = { empty: false }) => openServers(kind, empty, scope), kind);
    });
  }
}

/**
 * Runs a suite on one kind of server: a native one if it is installed, otherwise the embedded one. For code on top of the
 * store and the queue, whose own suites run on every kind.
 */
export function describeOnOneServer(
  title: string,
  suite: (open: OpenServers, kind: ServerKind) => void,
  native: Exclude<ServerKind, "embedded"> = "PostgreSQL and Redis",
): void {
  const { missing } = inject("native");
  describeOnEachServer(title, suite, [missing === undefined ? native : "embedded"]);
}

async function openServers(kind: ServerKind, empty: boolean, scope: AsyncDisposableStack): Promise<TestServers> {
  if (kind === "embedded") {
    const folder = await mkdtemp(join(tmpdir(), "reembed-embedded-"));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const { emptyFolder, tablesFolder } = inject("embeddedTemplates");
    await cp(empty ? emptyFolder : tablesFolder, folder, { recursive: true });
    const { connectionString } = scope.use(await openEmbeddedDatabase({ folder }));
    return { connectionString, queue: { kind: "postgres", connectionString, pollSeconds: 0.2 } };
  }
  const native = inject("native");
  if (native.missing !== undefined) throw new Error(native.missing);
  if (kind === "PostgreSQL, in another schema") return await openElsewhere(native.postgres, scope);
  const connectionString = await createDatabase(native.postgres, undefined, empty ? undefined : native.template);
  if (kind === "PostgreSQL") return { connectionString, queue: { kind: "postgres", connectionString } };
  const redis = scope.use(await startNativeRedis());
  return { connectionString, queue: { kind: "redis", url: redis.url } };
}

/** A database without tables, in which the suite must create none in the schema that every statement is written with. */
async function openElsewhere(server: string, scope: AsyncDisposableStack): Promise<TestServers> {
  const connectionString = await createDatabase(server);
  const schema = "reembed_elsewhere";
  scope.defer(async () => {
    await using client = await connect(connectionString);
    const { rows } = await client.query("select from pg_namespace where nspname in ('reembed', 'bullmq')");
    if (rows.length > 0) throw new Error("A statement has created something in the schema of another installation");
  });
  return { connectionString, schema, queue: { kind: "postgres", connectionString, schema: queueSchemaOf(schema) } };
}

async function connect(connectionString: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
