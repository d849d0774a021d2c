import {
  adoptedProfile,
  applicationColumns,
  describeOnOneServer,
  nativeUnavailable,
  openTestDatabase,
  startNativePostgres,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { checkSource } from "../adoption/adoption-source.ts";
import { adoptAgain, takeOver } from "../adoption/adoption-takeover.ts";
import { takeChanges } from "../changes/change-log.ts";
import { sweepBlock } from "../changes/sweep.ts";
import { openDatabase } from "../database/database.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readTriggerFacts } from "./diagnosis-triggers.ts";

const missing = nativeUnavailable();
const table = "public.document_chunks";
const none = {
  schema: "reembed",
  disabled: [],
  missing: [],
  subscriptions: [],
  always: 0,
  triggers: 4,
  children: [],
  replicaRoles: [],
};

describe.skipIf(missing !== undefined)("triggers on an application's table", () => {
  test("do not record a subscription's writes until they are enabled ALWAYS; the sweep finds the writes, and doctor the cause", async () => {
    await using postgres = await startNativePostgres({ settings: { wal_level: "logical" } });
    const publisherAddress = await postgres.createDatabase("publisher");
    const connectionString = await postgres.createDatabase("subscriber");
    const publisher = openDatabase({ connectionString: publisherAddress, maxConnections: 1 });
    await using _ = { [Symbol.asyncDispose]: () => publisher.$client.end() };
    const queue = { kind: "redis" as const, url: "redis://nobody.invalid" };
    await using database = await openTestDatabase({ connectionString, queue }, [adoptedProfile]);
    for (const side of [publisher, database]) {
      await side.execute(sql`create extension if not exists vector`);
      await side.execute(sql`create table public.document_chunks (
        id int primary key, document_id text, chunk_index int, content text, embedding vector(312))`);
    }
    await publisher.execute(sql`create publication everything for all tables`);
    await publisher.execute(sql`select pg_create_logical_replication_slot('copy', 'pgoutput')`);
    await publisher.execute(sql`insert into document_chunks values (1, 'a', 0, 'first'), (2, 'a', 1, 'second')`);
    await takeOver(database, adoptedProfile, await checkSource(database, applicationColumns), { vectors: false });
    expect(await readTriggerFacts(database, table)).toEqual(none);

    await database.execute(
      sql.raw(`create subscription copies connection '${publisherAddress}' publication everything
        with (create_slot = false, slot_name = 'copy', copy_data = false)`),
    );
    const contents = async () => {
      const { rows } = await database.execute<{ content: string }>(
        sql`select content from document_chunks order by id`,
      );
      return rows.map(({ content }) => content).join();
    };
    await waitFor("the first rows", async () => (await contents()) === "first,second");
    expect(await readTriggerFacts(database, table)).toEqual({ ...none, subscriptions: ["copies"] });
    const logged = async () => (await database.execute(sql`select from reembed.change_log`)).rows.length;
    expect(await logged()).toBe(0);
    await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
    const profile = await readProfile(database, adoptedProfile.name);
    expect(await sweepBlock(database, profile, { everyMs: 0 })).toBe(2);
    await takeChanges(database);

    // Statement triggers do not fire for a subscription at all.
    await adoptAgain(database, profile.chunking, await checkSource(database, applicationColumns));
    await takeChanges(database);
    for (const name of ["insert", "edit", "delete", "truncate"]) {
      await database.execute(sql.raw(`alter table document_chunks enable always trigger reembed_${name}`));
    }
    await publisher.execute(sql`update document_chunks set content = 'edited' where id = 1`);
    await waitFor("the edit", async () => (await contents()) === "edited,second");
    expect(await logged()).toBe(1);
    expect(await readTriggerFacts(database, table)).toMatchObject({ always: 4 });

    await database.execute(sql`alter table document_chunks disable trigger reembed_edit`);
    await database.execute(sql`create table more_chunks () inherits (document_chunks)`);
    await database.execute(sql`create role loader`);
    await database.execute(sql`alter role loader set session_replication_role = replica`);
    expect(await readTriggerFacts(database, table)).toMatchObject({
      disabled: ["reembed_edit"],
      children: ["more_chunks"],
      replicaRoles: ["loader"],
    });
    await database.execute(sql`alter subscription copies disable`);
    await database.execute(sql`alter subscription copies set (slot_name = none)`);
    await database.execute(sql`drop subscription copies`);
  });
});

describeOnOneServer(
  "triggers on a table of loaded chunks",
  (open) => {
    test("are named, and so is a database in whose sessions they do not fire", async () => {
      const profile = testProfile("mini-m3");
      await using database = await openTestDatabase(await open(), [profile]);
      const { relation } = await readProfile(database, profile.name);
      expect(await readTriggerFacts(database, relation)).toEqual({ ...none, triggers: 4 });
      await database.execute(sql`do $$ begin
        execute format('alter database %I set session_replication_role = replica', current_database()); end $$`);
      await database.execute(sql.raw(`alter table ${relation} disable trigger forget`));
      const expected = { triggers: 4, replicaRoles: [""], disabled: ["forget"] };
      expect(await readTriggerFacts(database, relation)).toMatchObject(expected);
    });
  },
  "PostgreSQL",
);
