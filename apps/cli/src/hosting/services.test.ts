import { loadConfig } from "@reembed/config";
import { EmbedQueue, startEmbedWorker } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { openDatabase } from "@reembed/store/database";
import { createDatabase, nativeUnavailable, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { openServices, queueOf } from "./services.ts";

const native = inject("native");
const missing = nativeUnavailable();

describe.skipIf(missing !== undefined)(`services${missing === undefined ? "" : `: skipped, ${missing}`}`, () => {
  const { postgres, redis } = native.missing === undefined ? native : { postgres: "", redis: "" };
  const queue = { kind: "redis", url: redis } as const;
  const profile = testProfile("mini-m3");

  test("of two databases that share a Redis have separate batches", async () => {
    const open = async () => {
      const connectionString = await createDatabase(postgres);
      const database = await openTestDatabase({ connectionString, queue }, [profile]);
      onTestFinished(() => database.$client.end());
      const config = loadConfig({ DATABASE_URL: connectionString, REDIS_URL: redis });
      const services = await openServices(config, createLogger("silent"));
      onTestFinished(() => services[Symbol.asyncDispose]());
      const embedQueue = new EmbedQueue(services.queue, profile.name, () => {});
      onTestFinished(() => embedQueue[Symbol.asyncDispose]());
      return { services, embedQueue };
    };
    const [ours, theirs] = [await open(), await open()];
    await ours.embedQueue.enqueue([{ profile: profile.name, kind: "backfill", chunkIds: [1] }]);
    await theirs.embedQueue.enqueue([{ profile: profile.name, kind: "backfill", chunkIds: [2] }]);
    const { promise: taken, resolve: take } = Promise.withResolvers<number[]>();
    const nothing = { embedded: 0, reused: 0, stale: 0, quarantined: 0, tokens: 0, truncatedTokens: 0 };
    const worker = startEmbedWorker(
      theirs.services.queue,
      profile.name,
      async ({ chunkIds }) => {
        take(chunkIds);
        return nothing;
      },
      { concurrency: 1, lockDurationMs: 8_000, onError: () => {} },
    );
    expect(await taken).toEqual([2]);
    await worker.close();
    expect(await ours.embedQueue.counts()).toMatchObject({ waiting: 1 });
    expect(await theirs.embedQueue.counts()).toMatchObject({ waiting: 0 });
  });

  test("of a copy of a database have a queue of their own", async () => {
    const original = await createDatabase(postgres);
    const database = await openTestDatabase({ connectionString: original, queue }, [profile]);
    const identity = await queueOf(database, queue);
    expect(await queueOf(database, queue)).toEqual(identity);
    await database.$client.end();
    const name = `${new URL(original).pathname.slice(1)}-copy`;
    const admin = openDatabase({ connectionString: postgres });
    await admin.execute(sql.raw(`create database "${name}" template "${new URL(original).pathname.slice(1)}"`));
    await admin.$client.end();
    const copy = openDatabase({ connectionString: Object.assign(new URL(original), { pathname: `/${name}` }).href });
    onTestFinished(() => copy.$client.end());
    expect(await queueOf(copy, queue)).not.toEqual(identity);
  });
});
