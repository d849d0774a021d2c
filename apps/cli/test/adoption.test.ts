import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadConfig, withProfiles } from "@reembed/config";
import { beforeFirstId } from "@reembed/core";
import { startOnnxEmbedder } from "@reembed/embedder";
import { adoptTable } from "@reembed/migration/adopt";
import { rechunkCorpus } from "@reembed/migration/rechunk";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import {
  applicationColumns,
  createApplication,
  describeOnEachServer,
  openTestDatabase,
  type TestServers,
  waitFor,
} from "@reembed/testing";
import pg from "pg";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, reembed, runReembed, standIns } from "./run-reembed.ts";

const handbook = fileURLToPath(new URL("../../../samples/handbook/ru/", import.meta.url));
const config = withProfiles(
  loadConfig({ ...standIns, MODELS_DIR: fileURLToPath(new URL("../../../models", import.meta.url)) }),
);
const { baseline } = config;
const table = "document_chunks";

/** The state after an adoption and a rechunking, by the application's keys. */
const everything = {
  profiles: "select name, state, paused, backfill_cursor, backfill_target from reembed.profiles order by 1",
  chunkings: "select name, relation, source from reembed.chunkings order by 1",
  triggers: `select tgname from pg_trigger where tgrelid = '${table}'::regclass and not tgisinternal order by 1`,
  vectors: `select profile, chunk_id, encode(content_hash, 'hex') as hash, md5(embedding::text) as vector
    from reembed.chunk_embeddings order by 1, 2`,
  documents: "select source_key, uri, title, language, md5(body) as body from reembed.documents order by 1",
  chunks: `select d.source_key, c.position, c.start_offset, c.end_offset, md5(c.content) as content
    from reembed.chunks c join reembed.documents d on d.id = c.document_id order by 1, 2`,
  offsets: "select chunk_id, start_offset, end_offset from reembed.chunk_offsets order by 1",
  changes: "select (select count(*) from reembed.chunk_changes), (select count(*) from reembed.document_changes)",
};

describeOnEachServer(
  "reembed adopt",
  (open) => {
    test("refuses vectors of another model with their number, and adopts the table without them on request", async () => {
      const servers = await open();
      const chunks = await prepareApplication(servers);
      await using database = await openTestDatabase(servers, [baseline]);
      await database.$client.query(
        `update ${table} c set embedding = o.embedding from ${table} o where o.id = c.id + 4 and c.id <= 3`,
      );
      await expect(adopt(database)).rejects.toMatchObject({
        code: "vectors_foreign",
        exitCode: 3,
        message: expect.stringContaining(
          `3 of ${chunks} sampled vectors of public.${table} do not come from mini-rubert`,
        ),
      });
      await database.$client.query(`alter table ${table} alter embedding type vector(2) using '[1,2]'`);
      await expect(adopt(database)).rejects.toThrow(
        'public.document_chunks."embedding" has 2 dimensions, but mini-rubert has 312.',
      );
      const adopted = "select state, backfill_cursor from reembed.profiles where name = 'mini-rubert'";
      expect((await database.$client.query(adopted)).rows).toEqual([{ state: "registered", backfill_cursor: "0" }]);
      expect(await adopt(database, { reembed: true })).toMatchObject({
        checked: undefined,
        vectors: { copied: 0, left: chunks },
      });
      expect((await database.$client.query(adopted)).rows).toEqual([
        { state: "backfilling", backfill_cursor: `${beforeFirstId}` },
      ]);
    });

    test("and rechunk reach the same state after being killed and repeated as without", async () => {
      const servers = await open();
      await prepareApplication(servers, 2_100);
      const twin = await cloneDatabase(servers);
      await using untouched = await openTestDatabase(twin, [baseline]);
      const report = await adopt(untouched);
      expect(report).toMatchObject({ resumed: false, paused: ["mini-m3"], vectors: { left: 0 } });
      expect(report.checked?.leastCosine).toBeGreaterThan(0.999);
      await rechunkCorpus(untouched, () => {});

      await using database = await openTestDatabase(servers, [baseline]);
      const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
      const vectors = { table: 'reembed."chunk_embeddings_mini-rubert"', condition: "new.chunk_id = 1500" };
      await killAt(database, vectors, ["adopt", table, "--chunks", "cut", "--sample", "20"], environment);
      const copied = await database.$client.query("select count(*)::int as vectors from reembed.chunk_embeddings");
      expect(copied.rows).toEqual([{ vectors: 1_000 }]);
      const resumed = jsonLines(await runReembed(["adopt", table, "--json"], { environment }));
      expect(resumed).toMatchObject([{ resumed: true, chunking: "1500-150", paused: ["mini-m3"] }]);

      const middle = "(select percentile_disc(0.5) within group (order by id) from reembed.documents)";
      const chunks = { table: 'reembed."chunks_6000-300"', condition: `new.document_id = ${middle}` };
      await killAt(database, chunks, ["rechunk"], environment);
      const rechunked = await rechunkCorpus(database, () => {});
      expect(rechunked).toMatchObject({ misfits: [], unplacedChunks: 0 });
      expect(rechunked.documents).toBeLessThan(1_200);
      for (const [what, query] of Object.entries(everything)) {
        const [killed, intact] = await Promise.all([database.$client.query(query), untouched.$client.query(query)]);
        expect(killed.rows, what).toEqual(intact.rows);
      }
      const loaded = await runReembed(["load", handbook], { environment });
      expect(loaded).toMatchObject({
        code: 3,
        stderr: expect.stringContaining("the adopted table public.document_chunks"),
      });
    });
  },
  ["PostgreSQL"],
);

function adopt(database: Database, options: { reembed?: boolean } = {}) {
  return adoptTable({
    database,
    config,
    profile: baseline,
    wanted: { ...applicationColumns, chunks: "cut" },
    sample: 50,
    reembed: false,
    device: "cpu",
    onProgress: () => {},
    log: createLogger("silent"),
    ...options,
  });
}

/** An application with documents of the handbook, plus `copies` documents of one chunk. Returns the number of chunks. */
async function prepareApplication(servers: TestServers, copies = 0): Promise<number> {
  await using embedder = await startOnnxEmbedder({ ...baseline, modelsFolder: config.models.folder, device: "cpu" });
  await using application = await createApplication({ ...servers, embedder, ...baseline, ownRole: true });
  for (const name of readdirSync(handbook).slice(0, 4)) {
    await application.write(name, readFileSync(`${handbook}${name}`, "utf8"));
  }
  await application.client.query("drop index document_chunks_embedding_idx");
  await application.client.query(
    `insert into document_chunks (document_id, chunk_index, content, embedding, tenant, checksum)
     select 'copy ' || n, 0, content, embedding, tenant, n from document_chunks, generate_series(1, $1::int) n where id = 1`,
    [copies],
  );
  const { rows } = await application.client.query("select count(*)::int as chunks from document_chunks");
  return rows[0].chunks;
}

async function cloneDatabase(servers: TestServers): Promise<TestServers> {
  const url = new URL(servers.connectionString);
  const original = decodeURIComponent(url.pathname.slice(1));
  url.pathname = "/postgres";
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query(
    `create database ${client.escapeIdentifier(`${original}-twin`)} template ${client.escapeIdentifier(original)}`,
  );
  await client.end();
  url.pathname = `/${encodeURIComponent(`${original}-twin`)}`;
  return { connectionString: url.href, queue: { kind: "postgres", connectionString: url.href } };
}

/** Starts a command and kills it when it is about to insert a certain row; the transaction before it may be committed or not. */
async function killAt(
  database: Database,
  row: { table: string; condition: string },
  args: readonly string[],
  environment: Record<string, string>,
): Promise<void> {
  const gate = await database.$client.connect();
  try {
    await gate.query(`
      create function public.stand_still() returns trigger language plpgsql as $$ begin
        if ${row.condition} then perform pg_advisory_xact_lock(42); end if;
        return new;
      end $$`);
    await gate.query(
      `create trigger stand_still before insert on ${row.table} for each row execute function public.stand_still()`,
    );
    await gate.query("select pg_advisory_lock(42)");
    const child = spawn(process.execPath, [reembed, ...args], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: "ignore",
    });
    // Only locks of this database, because other tests on the server use the same lock number.
    const stands = `select from pg_locks where locktype = 'advisory' and objid = 42 and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    await waitFor("the command to stand still", async () => {
      if (child.exitCode !== null) throw new Error(`${args[0]} ended with ${child.exitCode}`);
      return (await gate.query(stands)).rowCount === 1;
    });
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await gate.query("select pg_advisory_unlock(42)");
    await gate.query(`drop trigger stand_still on ${row.table}`);
    await gate.query("drop function public.stand_still");
  } finally {
    gate.release();
  }
}
