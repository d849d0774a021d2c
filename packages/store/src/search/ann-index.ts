import { messageOf } from "@reembed/core";
import { eq, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { type Database, type Queryable, sqlState } from "../database/database.ts";
import { requireOwnSessions } from "../database/pooling.ts";
import { oidOf, quoted } from "../database/quoted.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { type AnnSettings, profiles } from "../schema/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";

type Named = Pick<RegisteredProfile, "name">;

/** The name, without schema, of the ANN index on a profile's vectors. */
export function annIndexName({ name }: Named): string {
  return `chunk_embeddings_${name}_ann`;
}

/** Progress of an index build on a profile's vectors, as the server reports it. */
export interface AnnBuildProgress {
  pid: number;
  /** PostgreSQL's phases, such as `building index: loading tuples` or `waiting for old snapshots`. */
  phase: string;
  /** Share of the present phase, 0 to 1; null if the server does not report it. */
  share: number | null;
  /** Elapsed time of the statement. */
  seconds: number;
}

export interface AnnIndex {
  exists: boolean;
  /** Whether searches use it: false if its build was interrupted. */
  valid: boolean;
  kind: AnnSettings["kind"] | null;
  /** The options that it was created with, for example `{ m: 16, ef_construction: 64 }`; others have pgvector's defaults. */
  options: Record<string, number>;
  sizeBytes: number;
  /** A build of this index or, before it exists, of any other on the table: PostgreSQL builds one at a time. */
  building: AnnBuildProgress | null;
}

export async function readAnnIndex(database: Queryable, profile: Named): Promise<AnnIndex> {
  const { rows } = await database.execute<
    Pick<AnnIndex, "valid" | "kind"> & { options: string[] | null; bytes: string } & Pick<
        AnnBuildProgress,
        "pid" | "phase" | "share" | "seconds"
      >
  >(sql`
    select i.indisvalid and i.indisready as valid, am.amname as kind, c.reloptions as options,
      pg_relation_size(c.oid) as bytes, build.pid, build.phase,
      (case when build.tuples_total > 0 then least(1, build.tuples_done::float8 / build.tuples_total)
            when build.blocks_total > 0 then build.blocks_done::float8 / build.blocks_total end) as share,
      extract(epoch from clock_timestamp() - running.query_start)::float8 as seconds
    from (select ${oidOf(qualifiedName(profile))} as index, ${oidOf(embeddingsPartition(profile.name))} as partition) named
    left join pg_class c on c.oid = named.index
    left join pg_index i on i.indexrelid = c.oid
    left join pg_am am on am.oid = c.relam
    left join pg_stat_progress_create_index build
      on build.relid = named.partition and build.datname = current_database()
    left join pg_stat_activity running on running.pid = build.pid
    limit 1`);
  const [row] = rows;
  const exists = typeof row?.valid === "boolean";
  return {
    exists,
    valid: row?.valid === true,
    kind: row?.kind ?? null,
    options: Object.fromEntries(
      (row?.options ?? []).map((option) => option.split("=")).map(([k, v]) => [k, Number(v)]),
    ),
    sizeBytes: Number(row?.bytes ?? 0),
    building:
      typeof row?.pid === "number"
        ? { pid: row.pid, phase: row.phase, share: row.share, seconds: row.seconds ?? 0 }
        : null,
  };
}

export type AnnIndexShape = { kind: "hnsw"; m: number; efConstruction: number } | { kind: "ivfflat"; lists: number };

/** Resources of a build's session. */
export interface AnnBuildResources {
  memoryBytes: number;
  /** In addition to the session itself. */
  parallelWorkers: number;
}

/**
 * Prepares a separate session for a build that does not block writers and takes as long as it takes. If the client ends, the
 * build continues in the server. Therefore the session gets no messages below a warning, because sending anything to a
 * client that has ended would end the statement.
 *
 * PostgreSQL plans parallel workers by the size of the main table, but vectors are stored out of line, so the minimum size
 * for parallelism is set to 0.
 */
export async function prepareBuild(
  session: Database,
  { memoryBytes, parallelWorkers }: AnnBuildResources,
): Promise<void> {
  for (const [setting, value] of [
    ["maintenance_work_mem", `${Math.floor(memoryBytes / 1024)}kB`],
    ["max_parallel_maintenance_workers", `${parallelWorkers}`],
    ["min_parallel_table_scan_size", "0"],
    ["client_min_messages", "warning"],
    ["statement_timeout", "0"],
    ["lock_timeout", "0"],
  ] as const) {
    await session.execute(sql`select set_config(${setting}, ${value}, false)`);
  }
}

/** Builds the index in a session that `prepareBuild` prepares. */
export async function createAnnIndex(
  session: Database,
  profile: RegisteredProfile,
  shape: AnnIndexShape,
  resources: AnnBuildResources,
): Promise<void> {
  await prepareBuild(session, resources);
  const using: SQL =
    shape.kind === "hnsw"
      ? sql`with (m = ${sql.raw(`${shape.m}`)}, ef_construction = ${sql.raw(`${shape.efConstruction}`)})`
      : sql`with (lists = ${sql.raw(`${shape.lists}`)})`;
  await session.execute(sql`
    create index concurrently ${sql.raw(quoted(annIndexName(profile)))} on ${sql.raw(embeddingsPartition(profile.name))}
    using ${sql.raw(shape.kind)} ((${annExpression(profile)}) halfvec_cosine_ops) ${using}`);
}

/** Without statistics the planner expects a 200th of the vectors, and sorts them instead of using the index. */
export async function analyzeVectors(session: Database, profile: Named): Promise<void> {
  await session.execute(sql`analyze ${sql.raw(embeddingsPartition(profile.name))}`);
}

const diskFull = "53100";

/** Whether a parallel build failed because /dev/shm, where its graph is, is full: a container has 64 MB by default. */
export function lacksSharedMemory(error: unknown): boolean {
  return sqlState(error) === diskFull && /shared memory/.test(messageOf(error));
}

/** The indexed expression, which a search must write in the same way. The column itself has no fixed length. */
export function annExpression({ dimensions }: Pick<RegisteredProfile, "dimensions">): SQL {
  return sql.raw(`embedding::halfvec(${dimensions})`);
}

/** Drops it without blocking searches or writers. */
export async function dropAnnIndex(session: Database, profile: Named): Promise<void> {
  await session.execute(sql`drop index concurrently if exists ${sql.raw(qualifiedName(profile))}`);
}

/** Stores the settings of a measured index; null if there is none. */
export async function setAnnSettings(database: Queryable, { name }: Named, ann: AnnSettings | null): Promise<void> {
  await database.update(profiles).set({ ann }).where(eq(profiles.name, name));
}

/**
 * A session outside the pool, with settings of its own, which ends on disposal. If the signal comes, it ends at once: its
 * statement fails here, and a build goes on in the server.
 * @throws ReembedError `transaction_pooling` (exit code 3).
 */
export async function openSession(database: Database, signal?: AbortSignal): Promise<Database & AsyncDisposable> {
  await requireOwnSessions(database, "index build");
  const client = await database.$client.connect();
  let open = true;
  const end = () => {
    signal?.removeEventListener("abort", end);
    if (open) client.release(true);
    open = false;
  };
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  return Object.assign(drizzle(client) as unknown as Database, { [Symbol.asyncDispose]: async () => end() });
}

/**
 * Takes the right to build a profile's index, unless another session has it. It ends with the session; if the client was
 * killed, that is when its build has ended.
 */
export async function tryBuildLock(session: Database, { name }: Named): Promise<boolean> {
  const { rows } = await session.execute<{ locked: boolean }>(
    sql`select pg_try_advisory_lock(hashtext(concat('reembed'::name, ' ann index')), hashtext(${name})) as locked`,
  );
  return rows[0]?.locked === true;
}

/** Facts about the server and the table that a build's plan needs. */
export interface AnnBuildGround {
  vectors: number;
  /** The host of the connection; a path means a socket on this machine. */
  host: string;
  sharedBuffersBytes: number;
  maintenanceWorkMemBytes: number;
  /** The server's limit for all parallel workers together. */
  maxParallelWorkers: number;
}

export async function readBuildGround(database: Database, { name }: Named): Promise<AnnBuildGround> {
  const { rows } = await database.execute<Record<"vectors" | "shared" | "maintenance" | "workers", string>>(sql`
    select (select count(*) from reembed.chunk_embeddings where profile = ${name}) as vectors,
      pg_size_bytes(current_setting('shared_buffers')) as shared,
      pg_size_bytes(current_setting('maintenance_work_mem')) as maintenance,
      current_setting('max_parallel_workers') as workers`);
  const [row] = rows;
  return {
    vectors: Number(row?.vectors),
    host: new pg.Client(database.$client.options.connectionString).host,
    sharedBuffersBytes: Number(row?.shared),
    maintenanceWorkMemBytes: Number(row?.maintenance),
    maxParallelWorkers: Number(row?.workers),
  };
}

function qualifiedName(profile: Named): string {
  return `reembed."${annIndexName(profile)}"`;
}
