import { loadConfig, readAdjustable } from "@reembed/config";
import type { Database } from "@reembed/store/database";
import { readOperatorChanges, recordChange } from "@reembed/store/operators";
import { describeOnOneServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { findAdjustable, followSettings, listSettings, readSettings, setSetting } from "./settings.ts";

const environment = { BATCH_SIZE: "32" };
const given = readAdjustable(environment);
const settings = loadConfig(environment);
const because = { by: "anna", reason: "a larger server" };
const bound = (name: string) => findAdjustable(name, given);

describeOnOneServer("bounds that change while processes run", (open) => {
  let database: Database & AsyncDisposable;
  beforeAll(async () => {
    database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
    return () => database[Symbol.asyncDispose]();
  });
  beforeEach(() => database.execute(sql`truncate reembed.operator_changes`).then(() => {}));

  test("have the environment's values until one is set, for everybody who follows them", async () => {
    const batchSize = followSettings(database, settings, ({ producer }) => producer.batchSize);
    expect(await batchSize()).toBe(32);
    await setSetting(database, bound("BATCH_SIZE"), "128", because);
    expect(await batchSize()).toBe(128);
    await setSetting(database, bound("BATCH_SIZE"), null, because);
    expect(await batchSize()).toBe(32);
  });

  test("each reach the settings that processes use", async () => {
    for (const { name, value } of given) await setSetting(database, bound(name), String((value ?? 2) * 1), because);
    const before = await readSettings(database, settings);
    for (const { name, value } of given) {
      const other = name.endsWith("MARGIN") ? 0.5 : (value ?? 2) + 1;
      await setSetting(database, bound(name), String(other), because);
    }
    const after = await readSettings(database, settings);
    const figures = ({ producer, worker, guardrails }: typeof settings) => [
      ...[producer.batchSize, producer.maxQueuedJobs, ...Object.values(producer.loadBounds)],
      ...[worker.concurrency, ...Object.values(guardrails)],
    ];
    const [from, to] = [figures(before), figures(after)];
    expect(from.length).toBe(given.length);
    expect(from.filter((value, index) => value === to[index])).toEqual([]);
  });

  test("are listed with their value, its origin and the range", async () => {
    await setSetting(database, bound("MAX_ACTIVE_SESSIONS"), "100", because);
    const listed = await listSettings(database, given);
    const of = (wanted: string) => listed.find(({ name }) => name === wanted);
    expect(of("BATCH_SIZE")).toEqual({
      ...{ name: "BATCH_SIZE", value: 32, origin: "environment", range: "a whole number from 1 to 1000", set: null },
    });
    expect(of("MAX_QUEUED_JOBS")).toMatchObject({ value: 500, origin: "default" });
    expect(of("WORKER_CONCURRENCY")).toMatchObject({ value: null, origin: "default" });
    expect(of("MAX_ACTIVE_SESSIONS")).toMatchObject({
      ...{ value: 100, origin: "set", set: { changedBy: "anna", reason: "a larger server" } },
    });
  });

  test("keep a history of who, from what, to what and why", async () => {
    await setSetting(database, bound("BATCH_SIZE"), "128", because);
    await setSetting(database, bound("BATCH_SIZE"), "64", { by: "ben", reason: "" });
    await setSetting(database, bound("BATCH_SIZE"), null, because);
    const history = await readOperatorChanges(database, 10);
    expect(history.map(({ changedBy, fromValue, toValue }) => [changedBy, fromValue, toValue])).toEqual([
      ["anna", "64", null],
      ["ben", "128", "64"],
      ["anna", null, "128"],
    ]);
  });

  test("are refused out of range, and under another name with the closest one or its command", async () => {
    await expect(setSetting(database, bound("batch-size"), "0", because)).rejects.toThrow(
      "BATCH_SIZE must be a whole number from 1 to 1000, not 0.",
    );
    expect(await readOperatorChanges(database, 1)).toEqual([]);
    const remedyOf = (name: string) => {
      try {
        return bound(name).name;
      } catch (error) {
        return (error as { remedy?: string }).remedy;
      }
    };
    expect(remedyOf("BATCH_SIZES")).toBe("Did you mean BATCH_SIZE?");
    expect(remedyOf("rate")).toBe("`reembed backfill start --rate` sets it.");
    expect(remedyOf("DATABASE_URL")).toContain("`reembed set` lists the names.");
  });

  test("that another version has set out of this one's range are ignored", async () => {
    const change = { subject: "BATCH_SIZE", toValue: "1000000" };
    await recordChange(database, change, { by: "anna", reason: "" });
    expect((await readSettings(database, settings)).producer.batchSize).toBe(32);
    expect((await listSettings(database, given)).find(({ name }) => name === "BATCH_SIZE")?.origin).toBe("environment");
  });
});
