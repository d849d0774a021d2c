import { loadConfig, withProfiles } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import { type Database, openDatabase } from "@reembed/store/database";
import { describeOnOneServer } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { type PlanOptions, planMigration } from "./plan-migration.ts";

/** Passages of four manuals, enough for a thousand blocks; their lengths differ, and some have no text. */
const tables = sql`
  create extension if not exists vector;
  create table manuals (id int primary key, "<b>title</b>" text);
  create table passages (id int primary key, manual_id int references manuals, chunk_index int, content text,
    embedding vector(312)) with (fillfactor = 10);
  insert into manuals select g, 'دليل <script>' from generate_series(1, 4) g;
  insert into passages select g, 1 + g % 4, g, case when g % 50 = 0 then ' ' else repeat('pay day ', 1 + g % 90) end,
    case when g % 2 = 0 then array_fill(1, array[312])::vector end from generate_series(1, 3000) g;
  create table notes (id int primary key, body text, vec vector(312));
  insert into notes select g, 'note ' || g, array_fill(1, array[312])::vector from generate_series(1, 40) g;
  create table archive (note text, remark text, vec halfvec(700));
  create table events (id int, day int, text text, embedding vector(312), primary key (id, day)) partition by list (day);
  create table events_1 partition of events for values in (1);
  create table events_2 partition of events for values in (2);
  insert into events select g, 1 + g % 2, 'event ' || g, null from generate_series(1, 60) g;
  analyze;`;

describeOnOneServer(
  "a plan",
  (open) => {
    let connectionString: string;
    beforeAll(async () => {
      ({ connectionString } = await open({ empty: true }));
      const database = openDatabase({ connectionString });
      await database.execute(tables);
      await database.$client.end();
    });

    function openToRead(): Database {
      const database = openDatabase({ connectionString, readOnly: true });
      onTestFinished(() => database.$client.end());
      return database;
    }

    async function plan(options: Partial<PlanOptions> = {}) {
      const environment = {
        BASELINE_PROFILE: "mini-rubert",
        CANDIDATE_PROFILE: "mini-m3",
        DATABASE_URL: connectionString,
      };
      const config = withProfiles(loadConfig(environment));
      const given = { config, log: createLogger("silent"), workers: 2, device: "cpu", seconds: 0.2 };
      return await planMigration({ database: openToRead(), ...given, ...options });
    }

    test("estimates the largest table that nothing is in the way of from some of its blocks, and writes nothing", async () => {
      const planned = await plan();
      expect(planned.chosen).toEqual({ table: "public.passages", collection: null });
      const passages = planned.tables.find(({ table }) => table === "public.passages");
      const estimate = passages?.adoptions[0]?.estimate;
      expect(estimate?.sample.blocks).toBe(200);
      expect(estimate?.sample.ofBlocks).toBeGreaterThan(1_000);
      // The true value is outside of the interval in one plan of twenty, but never far away.
      expect(estimate?.chunks.total).toBeGreaterThan(2_000);
      expect(estimate?.chunks.total).toBeLessThan(4_500);
      expect(estimate?.chunks.low).toBeLessThan(estimate?.chunks.total ?? 0);
      expect(estimate?.tokens?.low).toBeLessThan(estimate?.tokens?.total ?? 0);
      expect(estimate?.blank.high).toBeGreaterThan(0.01);
      expect(planned.seconds?.total).toBeCloseTo(
        (estimate?.tokens?.total ?? 0) / ((planned.speed.measured?.tokensPerSecond ?? 0) * 2),
      );
      expect(planned.findings.map(({ verdict }) => verdict)).not.toContain("problem");
      expect(planned.findings.find(({ check }) => check === "disk")?.says).toContain("mini-m3 needs");
      expect(planned.commands.map(({ command }) => command)).toContain(
        "npx reembed adopt public.passages --id id --content content --embedding embedding --document manual_id --position chunk_index --documents public.manuals --documents-key id",
      );
      const database = openToRead();
      const { rows } = await database.execute(sql`select to_regnamespace('reembed') as schema`);
      expect(rows).toEqual([{ schema: null }]);
    });

    test("counts a small table and a partitioned one, and says what is in the way of another", async () => {
      const { tables: found, chosen } = await plan({ table: "events" });
      const of = (name: string) => found.find(({ table }) => table === name);
      expect(chosen).toEqual({ table: "public.events", collection: null });
      expect(of("public.events")?.adoptions[0]?.estimate?.chunks).toEqual({ total: 60, low: 60, high: 60 });
      const notes = of("public.notes")?.adoptions[0]?.estimate;
      expect(notes?.chunks).toEqual({ total: 40, low: 40, high: 40 });
      expect(notes?.tokens?.low).toBe(notes?.tokens?.high);
      expect(of("public.archive")).toMatchObject({ obstacles: [{}, {}], adoptions: [{ estimate: null }] });
    });

    test("tells sizes without a model's files, and why tokens and time are not known", async () => {
      const environment = {
        BASELINE_PROFILE: "mini-rubert",
        CANDIDATE_PROFILE: "bge-m3",
        DATABASE_URL: connectionString,
      };
      const config = withProfiles(loadConfig({ ...environment, MODELS_DIR: "/nonexistent" }));
      const { tables: found, seconds, speed } = await plan({ config });
      const estimate = found.find(({ table }) => table === "public.passages")?.adoptions[0]?.estimate;
      expect(estimate).toMatchObject({ tokens: null, truncated: null });
      expect(estimate?.unknown).toContain("The tokens of BAAI/bge-m3 cannot be counted");
      expect(estimate?.vectorBytes.total).toBeGreaterThan(0);
      expect({ seconds, measured: speed.measured }).toEqual({ seconds: null, measured: null });
    });

    test("is refused for a table that is not there", async () => {
      await expect(plan({ table: "pasages" })).rejects.toMatchObject({ code: "table_missing", exitCode: 2 });
    });
  },
  "PostgreSQL",
);
