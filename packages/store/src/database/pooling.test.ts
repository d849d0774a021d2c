import { createDatabase, nativeUnavailable, startNativePgbouncer } from "@reembed/testing";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { openSession } from "../search/ann-index.ts";
import { openDatabase } from "./database.ts";
import { migrateDatabase } from "./migrate.ts";
import { requireOwnSessions } from "./pooling.ts";

const native = inject("native");
const missing = nativeUnavailable();

describe.skipIf(missing !== undefined)(`a pooler${missing === undefined ? "" : `: skipped, ${missing}`}`, () => {
  const open = (connectionString: string) => {
    const database = openDatabase({ connectionString });
    onTestFinished(() => database.$client.end());
    return database;
  };
  const pooled = async (mode: "transaction" | "session") => {
    const server = await createDatabase(native.missing === undefined ? native.postgres : "");
    const pooler = await startNativePgbouncer(server, mode);
    onTestFinished(() => pooler[Symbol.asyncDispose]());
    return { server, pooler: pooler.connectionString };
  };

  test("in transaction mode is detected, and refused if a session is needed", async () => {
    const { server, pooler } = await pooled("transaction");
    await expect(requireOwnSessions(open(server), "queue")).resolves.toBeUndefined();
    await expect(requireOwnSessions(open(pooler), "queue")).rejects.toThrow(/the queue in the database needs/);
    await expect(openSession(open(pooler))).rejects.toThrow(/the build of an index needs a session/);
  });

  test("in session mode is accepted", async () => {
    const { pooler } = await pooled("session");
    await expect(requireOwnSessions(open(pooler), "queue")).resolves.toBeUndefined();
  });

  test("in transaction mode keeps no lock, so that the next migration does not wait for ever", async () => {
    const { server, pooler } = await pooled("transaction");
    const databases = [pooler, pooler, server, server].map(open);
    await Promise.all(databases.map((database) => migrateDatabase(database)));
    await migrateDatabase(open(server));
  });
});
