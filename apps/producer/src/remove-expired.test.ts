import { createLogger } from "@reembed/runtime";
import { readProfile } from "@reembed/store/profiles";
import { describeOnOneServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { startProducer } from "./producer.ts";

const log = createLogger("silent");
const retention = { searchDays: 90, throughputDays: 30 };
const settings = { batchSize: 16, maxQueuedJobs: 20, tickMs: 50, lockDurationMs: 10_000, retention };

describeOnOneServer("producers", (open) => {
  test("remove expired searches, over several ticks if there are many", async () => {
    const servers = await open();
    await using database = await openTestDatabase(servers, [testProfile("mini-m3")]);
    await database.execute(sql`
      insert into reembed.search_events (request_id, profile, searched_at, took_ms, results)
      select gen_random_uuid(), 'mini-m3', now() - case when n = 1 then interval '89 days' else interval '91 days' end, 1, 0
      from generate_series(1, 25000) n`);
    const options = { database, queue: servers.queue, log, ...settings };
    await using _first = await startProducer(options);
    await using _second = await startProducer(options);
    const kept = async () => {
      const { rows } = await database.execute<{ events: number }>(
        sql`select count(*)::int as events from reembed.search_events`,
      );
      return rows[0]?.events;
    };
    await waitFor("the old searches to go", async () => (await kept()) === 1);
  });

  test("continue with their profiles if expired rows cannot be removed, and report that once", async () => {
    const servers = await open();
    await using database = await openTestDatabase(servers, [testProfile("mini-m3")]);
    await storeBodies(database, ["a text"]);
    await database.execute(sql`drop table reembed.search_feedback`);
    const errors: string[] = [];
    const watched = Object.assign(Object.create(log), {
      error: ({ error }: { error: string }) => errors.push(error),
    });
    await using _producer = await startProducer({ database, queue: servers.queue, ...settings, log: watched });
    await waitFor("the chunk to be enqueued", async () => (await readProfile(database, "mini-m3")).backfillCursor > 0);
    await waitFor("the failure to be reported", () => errors.length > 0);
    expect(errors).toEqual([expect.stringMatching(/^Expired rows cannot be removed: .*search_feedback/s)]);
  });
});
