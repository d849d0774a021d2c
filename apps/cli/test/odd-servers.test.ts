import { openDatabase } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import {
  describeOnEachServer,
  folderOf,
  startNativePgbouncer,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { startFleet } from "./fleet.ts";
import { addressesOf, jsonLines, type Outcome, runReembed, standIns } from "./run-reembed.ts";

const pages = { "ru/leave.md": "# Отпуск\n\nОтпуск длится 28 дней.", "en/pay.txt": "Salaries are paid twice a month." };
/** Each setting would break something that relies on the default: dates, bytes, floats, strings, arrays, names, timeouts. */
const oddSettings = {
  ...{ datestyle: "'German'", timezone: "'Asia/Kathmandu'", intervalstyle: "'sql_standard'" },
  ...{ bytea_output: "'escape'", extra_float_digits: "-5", standard_conforming_strings: "off", array_nulls: "off" },
  ...{ quote_all_identifiers: "on", lock_timeout: "'1ms'", idle_in_transaction_session_timeout: "'1ms'" },
  ...{ default_transaction_isolation: "'serializable'", search_path: "''" },
};

/** Runs a whole migration by an operator's commands, each of which must succeed. */
async function migrate(servers: TestServers): Promise<void> {
  const environment = { ...standIns, LOG_LEVEL: "warn", ...addressesOf(servers) };
  const run = async (...args: string[]): Promise<Outcome> => {
    const outcome = await runReembed(args, { environment });
    expect(outcome, args.join(" ")).toMatchObject({ code: 0, stderr: "" });
    return outcome;
  };
  await run("init");
  await run("load", await folderOf(pages));
  const { name, chunking } = testProfile("mini-m3");
  const fleet = startFleet(servers, { profile: name, chunking, workers: 1, settings: standIns });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  const database = openDatabase(servers);
  onTestFinished(() => database.$client.end());
  await waitFor("every chunk to be embedded", async () => {
    expect(fleet.exited()).toEqual([]);
    return (await readCoverage(database, await readProfile(database, name))).coverage === 1;
  });
  await run("verify", "--sample", "2");
  await run("rollout", "shadow", "20", "--reason", "a test");
  await run("rollout", "status");
  const statuses = jsonLines(await run("status", "--json"));
  expect(statuses).toMatchObject([{ profile: "mini-rubert" }, { profile: name, coverage: 1 }]);
  await run("rollback");
}

describeOnEachServer(
  "a whole migration",
  (open, kind) => {
    test.runIf(kind === "PostgreSQL")("in a database with unusual settings", async () => {
      const servers = await open({ empty: true });
      const admin = openDatabase(servers);
      const name = new URL(servers.connectionString).pathname.slice(1);
      await admin.execute(sql`create schema extensions`);
      await admin.execute(sql`create extension vector schema extensions`);
      for (const [setting, value] of Object.entries(oddSettings)) {
        await admin.execute(sql.raw(`alter database "${name}" set ${setting} = ${value}`));
      }
      await admin.$client.end();
      await migrate(servers);
    });

    test.runIf(kind === "PostgreSQL and Redis")("through PgBouncer in transaction mode", async () => {
      const servers = await open({ empty: true });
      const pooled = await startNativePgbouncer(servers.connectionString, "transaction");
      onTestFinished(() => pooled[Symbol.asyncDispose]());
      await migrate({ ...servers, connectionString: pooled.connectionString });
    });

    test("is refused through PgBouncer in transaction mode if it needs a session or another setting", async () => {
      const servers = await open({ empty: true });
      const pooled = await startNativePgbouncer(servers.connectionString, "transaction");
      onTestFinished(() => pooled[Symbol.asyncDispose]());
      const environment = { ...standIns, ...addressesOf(servers), DATABASE_URL: pooled.connectionString };
      if (kind === "PostgreSQL") {
        for (const command of ["init", "status", "producer"]) {
          expect(await runReembed([command], { environment })).toMatchObject({
            code: 3,
            stderr: expect.stringMatching(
              /^error: A pooler in transaction mode .* the queue in the database needs.*\n {2}Set REDIS_URL/,
            ),
          });
        }
        const doctor = await runReembed(["doctor"], { environment });
        expect(doctor).toMatchObject({
          code: 3,
          stdout: expect.stringMatching(/^sessions +must be fixed +A pooler/m),
        });
        return;
      }
      expect(await runReembed(["init"], { environment })).toMatchObject({ code: 0 });
      const admin = openDatabase(servers);
      const name = new URL(servers.connectionString).pathname.slice(1);
      await admin.execute(sql.raw(`alter database "${name}" set lock_timeout = '1ms'`));
      await admin.$client.end();
      // The sessions of the first PgBouncer began before the change.
      const later = await startNativePgbouncer(servers.connectionString, "transaction");
      onTestFinished(() => later[Symbol.asyncDispose]());
      const odd = await runReembed(["status"], {
        environment: { ...environment, DATABASE_URL: later.connectionString },
      });
      expect(odd).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/has its own lock_timeout\.\n.*SET lock_timeout = '0'/),
      });
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
