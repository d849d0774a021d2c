import { sessionSettings } from "@reembed/core";
import { createDatabase, nativeUnavailable } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { describe, expect, inject, test } from "vitest";
import { openDatabase } from "./database.ts";
import { migrateDatabase } from "./migrate.ts";

const native = inject("native");
const missing = nativeUnavailable();
const odd = {
  ...{
    datestyle: "'German'",
    timezone: "'Asia/Kathmandu'",
    intervalstyle: "'sql_standard'",
    client_encoding: "'LATIN1'",
  },
  ...{ bytea_output: "'escape'", extra_float_digits: "-5", standard_conforming_strings: "off", array_nulls: "off" },
  ...{ quote_all_identifiers: "on", statement_timeout: "'9s'", lock_timeout: "'8s'", idle_session_timeout: "'7s'" },
  ...{ idle_in_transaction_session_timeout: "'6s'", default_transaction_isolation: "'serializable'" },
};

describe.skipIf(missing !== undefined)(`a session${missing === undefined ? "" : `: skipped, ${missing}`}`, () => {
  test("has the settings that we rely on, whatever its database's settings are", async () => {
    const connectionString = await createDatabase(native.missing === undefined ? native.postgres : "");
    const admin = openDatabase({ connectionString });
    const name = new URL(connectionString).pathname.slice(1);
    for (const [setting, value] of Object.entries(odd)) {
      await admin.execute(sql.raw(`alter database "${name}" set ${setting} = ${value}`));
    }
    await admin.$client.end();

    const database = openDatabase({ connectionString });
    const { rows } = await database.execute<{ name: string; value: string }>(sql`
      select name, current_setting(name, true) as value from unnest(${sql.param(Object.keys(sessionSettings))}::text[]) as name
      where current_setting(name, true) is not null`);
    await database.$client.end();
    expect(Object.keys(odd).length).toBeGreaterThanOrEqual(rows.length - 1);
    expect(Object.fromEntries(rows.map((row) => [row.name, row.value]))).toEqual(
      Object.fromEntries(rows.map((row) => [row.name, sessionSettings[row.name]])),
    );
  });

  test.each([
    ["a schema of its own", "create schema extensions; create extension vector schema extensions", '"$user", public'],
    [
      "a schema of its own, without a path",
      "create schema extensions; create extension vector schema extensions",
      "''",
    ],
    ["no schema yet, without a path", "select 1", "''"],
  ])("finds pgvector in %s", async (_, setUp, path) => {
    const connectionString = await createDatabase(native.missing === undefined ? native.postgres : "");
    const admin = openDatabase({ connectionString });
    await admin.execute(sql.raw(setUp));
    await admin.execute(
      sql.raw(`alter database "${new URL(connectionString).pathname.slice(1)}" set search_path = ${path}`),
    );
    await admin.$client.end();

    const database = openDatabase({ connectionString });
    await migrateDatabase(database);
    const { rows } = await database.execute(sql`select '[1,0]'::halfvec <=> '[0,1]'::halfvec as distance`);
    await database.$client.end();
    expect(rows).toEqual([{ distance: 1 }]);
  });
});
