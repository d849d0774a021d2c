import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chunkText } from "@reembed/core";
import { startOnnxEmbedder } from "@reembed/embedder";
import { EmbedQueue, type QueueServer } from "@reembed/queue";
import { type Database, openDatabase, readIdentity } from "@reembed/store/database";
import { recordSearches } from "@reembed/store/search";
import {
  describeOnEachServer,
  folderOf,
  openTestDatabase,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import type { Rehearsal } from "../src/rehearsal/rehearsal-result.ts";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";
import { startReembed } from "./running.ts";

const handbook = fileURLToPath(new URL("../../../samples/handbook/en/", import.meta.url));
const modelsFolder = fileURLToPath(new URL("../../../models", import.meta.url));
const baseline = testProfile("mini-rubert");
/** What says what the table below is. */
const columns = ["--id", "key", "--content", "body", "--embedding", "vec", "--document", "page", "--no-position"];

/** A table of no framework, with vectors of the baseline: two copies of some pages of the handbook, cut small. */
async function createNotes(database: Database): Promise<number> {
  const texts = readdirSync(handbook)
    .slice(0, 6)
    .flatMap((page) =>
      chunkText(readFileSync(join(handbook, page), "utf8"), { size: 400, overlap: 0 }).map(({ content }) => ({
        page,
        content,
      })),
    );
  await using embedder = await startOnnxEmbedder({ ...baseline, modelsFolder, device: "cpu" });
  const vectors: string[] = [];
  for await (const outcomes of embedder.embed(
    texts.map(({ content }) => content),
    { as: "passage" },
  )) {
    for (const outcome of outcomes) if ("vector" in outcome) vectors[outcome.index] = `[${outcome.vector.join()}]`;
  }
  const { $client } = database;
  await $client.query(`create schema app; create table app.notes (
    key uuid primary key, page text, body text not null, vec vector(${baseline.model.dimensions}))`);
  await $client.query(
    `insert into app.notes select key, page, body, vec::vector
     from json_to_recordset($1) as r (key uuid, page text, body text, vec text)`,
    [JSON.stringify(texts.map(({ page, content: body }, at) => ({ key: randomUUID(), page, body, vec: vectors[at] })))],
  );
  return texts.length;
}

/** Few shadows are enough, and a candidate that is slow on a busy machine is rolled back by nobody. */
const guardrails = { GUARDRAIL_LEAST_SEARCHES: "30", GUARDRAIL_P95_MARGIN_MS: "600000" };

/** A hash of each relation's rows, and the names of everything else in the database. */
async function readEverything({ $client }: Database): Promise<unknown[]> {
  const { rows: names } = await $client.query<{ name: string }>(`
    select format('%I.%I', nspname, relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace
    where relkind = 'r' and nspname !~ '^(pg_|information_schema)' order by 1`);
  const hashes = names.map(
    ({ name }) =>
      `select '${name}' as name, md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as rows from ${name} t`,
  );
  const { rows } = await $client.query(`${hashes.join(" union all ")}
    union all select 'schemas', string_agg(nspname, ',' order by nspname) from pg_namespace where nspname !~ '^pg_'
    union all select 'triggers', string_agg(tgname || tgrelid, ',' order by tgname, tgrelid) from pg_trigger
    union all select 'functions', string_agg(proname, ',' order by proname) from pg_proc where pronamespace >= 2200`);
  return rows;
}

async function readKeys({ queue }: TestServers): Promise<string[]> {
  if (queue.kind !== "redis") return [];
  const redis = new Redis(queue.url);
  const keys = await redis.keys("*");
  redis.disconnect();
  return keys.sort();
}

describeOnEachServer(
  "a rehearsal",
  (open) => {
    test("plays the whole migration with a sample of the adopted table, and leaves the live side as it was", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, []);
      const notes = await createNotes(database);
      const environment = { ...standIns, ...addressesOf(servers), ...guardrails };
      const run = (...args: string[]) => runReembed(args, { environment });
      expect(await run("init")).toMatchObject({ code: 0 });
      expect(await run("adopt", "app.notes", ...columns)).toMatchObject({ code: 0 });
      const event = { profile: "mini-rubert", shadowOf: null, tookMs: 3, chunkIds: [], scores: [], error: null };
      await recordSearches(
        database,
        ["parental leave", "expenses of a journey", "sick note"].map((query) => ({
          ...{ ...event, query, requestId: randomUUID(), overlap10: null, rankCorrelation: null, ageMs: 0 },
        })),
      );
      const [before, keys] = [await readEverything(database), await readKeys(servers)];
      const output = join(await folderOf({}), "rehearsal.html");
      const rehearsed = await run("rehearse", "--share", "0.1%", "--json", "--output", output);
      expect(rehearsed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^rollback +everybody is back/m) });
      // No row or table, no trigger and no key of Redis is new or another one.
      expect(await readEverything(database)).toEqual(before);
      expect(await readKeys(servers)).toEqual(keys);

      const [rehearsal] = jsonLines<Rehearsal>(rehearsed);
      // A table this small is taken whole.
      expect(rehearsal).toMatchObject({ table: "app.notes", rows: notes, share: 1 });
      expect(rehearsal?.steps.map(({ name }) => name)).toEqual([
        ...["copy", "adopt", "embed", "index", "verify", "evaluate", "shadow", "10 %", "50 %", "100 %", "rollback"],
      ]);
      expect(rehearsal?.steps.flatMap(({ concern }) => concern ?? [])).toEqual([]);
      expect(rehearsal?.whole).toMatchObject({ chunks: notes, cost: null });
      const { report } = rehearsal ?? {};
      expect(report?.profiles.map(({ status }) => [status.profile, status.embedded])).toEqual([
        ["mini-rubert", notes],
        ["mini-m3", notes],
      ]);
      expect(report?.profiles.map(({ verification }) => verification?.report.passed)).toEqual([true, true]);
      expect(report?.evaluation?.report.queries).toMatchObject({ source: "logged", count: 3 });
      expect(report?.events.map(({ toPercent }) => toPercent)).toEqual([0, 10, 50, 100, 0]);
      const page = await readFile(output, "utf8");
      expect(page).toContain("Rehearsal with app.notes");
      expect(page).toContain("Estimate for the whole");
    });

    test("leaves an installation alone that has its schema's name, and its queue, and wants a table for what it is told of one", async () => {
      const servers = await open({ empty: true });
      const other = { ...servers, schema: "reembed_rehearsal" };
      await using database = await openTestDatabase(other, [baseline]);
      const identity = await readIdentity(database);
      await using queue = new EmbedQueue(
        { ...servers.queue, prefix: identity } as QueueServer,
        "mini-rubert",
        () => {},
      );
      await queue.enqueue([{ profile: "mini-rubert", kind: "backfill", chunkIds: [1] }]);
      await createNotes(database);
      const keys = await readKeys(servers);
      const environment = { ...standIns, ...addressesOf(servers) };
      const run = (...args: string[]) => runReembed(["rehearse", ...args], { environment });
      expect(await run("app.notes", ...columns)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining("A rehearsal needs the schema reembed_rehearsal, which is there already."),
      });
      expect(await readKeys(servers)).toEqual(keys);
      expect(await run("--where", "true")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--where is about a table, and none is named."),
      });
    });
  },
  ["PostgreSQL and Redis"],
);

describeOnEachServer(
  "a rehearsal",
  (open) => {
    test("needs no installation; a second one is refused, and one that was killed is cleared away by the next", async () => {
      const servers = await open({ empty: true });
      const database = openDatabase(servers);
      onTestFinished(() => database.$client.end());
      await database.$client.query("create extension if not exists vector");
      await createNotes(database);
      const environment = { ...standIns, ...addressesOf(servers), ...guardrails };
      const run = (...args: string[]) => runReembed(args, { environment });
      const before = await readEverything(database);
      expect(await run("rehearse")).toMatchObject({ code: 2, stderr: expect.stringContaining("No table is adopted") });

      const rehearse = ["rehearse", "app.notes", ...columns, "--chunks", "cut"];
      const killed = startReembed(rehearse, environment);
      await killed.told(/^cut +6 documents/);
      killed.process.kill("SIGSTOP");
      expect(await run(...rehearse)).toMatchObject({ code: 3, stderr: expect.stringContaining("Another rehearsal") });
      killed.process.kill("SIGKILL");
      await killed.ended;
      const locks =
        "select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";
      await waitFor("its sessions to end", async () => (await database.$client.query(locks)).rowCount === 0);
      expect(await readEverything(database)).not.toEqual(before);

      const interrupted = startReembed(rehearse, environment);
      await interrupted.told(/^cut +6 documents/);
      interrupted.process.kill("SIGINT");
      expect(await interrupted.ended).toEqual([1, null]);
      expect(interrupted.lines.slice(-2)).toEqual([
        "What the rehearsal made is removed.",
        expect.stringContaining("The rehearsal was interrupted."),
      ]);
      expect(await readEverything(database)).toEqual(before);

      await database.$client.query("create schema reembed_rehearsal_rows");
      expect(await run(...rehearse)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining("A rehearsal needs the schema reembed_rehearsal_rows, which is there already."),
      });
    });
  },
  ["PostgreSQL"],
);
