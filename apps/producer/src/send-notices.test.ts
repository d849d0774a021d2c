import { describeUndelivered, noticeConditions } from "@reembed/migration/notices";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readUndelivered } from "@reembed/store/notices";
import { recountBlocks } from "@reembed/store/progress";
import { setBudget } from "@reembed/store/spending";
import {
  describeOnOneServer,
  openTestDatabase,
  storeBodies,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { secret, WebhookReceiver } from "../test/webhook-receiver.ts";
import { startProducer } from "./producer.ts";
import { sendNotices } from "./send-notices.ts";

const m3 = testProfile("mini-m3");
const log = createLogger("silent");
const limits = { maxQuarantinedShare: 0.2 };
const uuid = /^[0-9a-f-]{36}$/;

describeOnOneServer("a webhook", (open) => {
  let servers: TestServers;
  let database: Database;
  beforeAll(async () => {
    servers = await open();
    database = await openTestDatabase(servers, [m3]);
    await storeBodies(database, ["a", "b", "c", "d"]);
    await recountBlocks(database);
    return () => database.$client.end();
  });
  beforeEach(async () => {
    await database.execute(sql`truncate reembed.notices, reembed.workers, reembed.throughput, reembed.spendings,
      reembed.rollout_events, reembed.quarantined_chunks`);
    await database.execute(sql`
      update reembed.profiles set state = 'registered', completed_at = null, paused = false, held = null`);
  });

  const start = ({ url }: { url: string }, timeoutMs = 10_000) =>
    sendNotices({
      ...{ database, webhook: { url, secret, timeoutMs }, ...limits },
      ...{ watchEveryMs: 20, sendEveryMs: 20, log },
    });
  const notice = (url = "http://receiver/") => noticeConditions(database, { ...limits, url });
  /** As if the waits before a first or another attempt were over. */
  const makeDue = () =>
    database.execute(sql`update reembed.notices set next_attempt_at = now() where next_attempt_at is not null`);
  const quarantine = async (chunks: number) => {
    await database.execute(sql`truncate reembed.quarantined_chunks`);
    await database.execute(sql`
      insert into reembed.quarantined_chunks (profile, chunk_id, content_hash, reason, detail)
      select ${m3.name}, id, '', 'empty_text', '' from reembed."chunks_6000-300" order by id limit ${chunks}`);
  };
  const complete = () =>
    database.execute(sql`update reembed.profiles set state = 'backfilled', completed_at = clock_timestamp()`);
  const notices = async () => {
    const { rows } = await database.execute<Record<string, unknown>>(sql`
      select kind, attempts, error, delivered_at is not null as delivered, ended_at is not null as ended
      from reembed.notices where kind <> 'webhook.connected' order by noticed_at, kind`);
    return rows;
  };

  test("tells once, signed and with a sentence, that a profile is backfilled, by one of two producers", async () => {
    await using receiver = await WebhookReceiver.start();
    await using _first = start(receiver);
    await using _second = start(receiver);
    await waitFor("the first notice", () => receiver.received.some(({ type }) => type === "webhook.connected"));
    await complete();
    await waitFor("its delivery", async () => (await notices())[0]?.delivered);
    await quarantine(1);
    await waitFor("another one", () => receiver.types.length === 2);
    expect(receiver.types).toEqual(["profile.backfilled", "quarantine.exceeded"]);
    expect(receiver.received.every(({ isSigned }) => isSigned)).toBe(true);
    expect(receiver.received[1]).toMatchObject({
      id: expect.stringMatching(uuid),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: { profile: "mini-m3", schema: "reembed", text: expect.stringMatching(/^mini-m3 is backfilled: /) },
    });
    expect(receiver.received.filter(({ type }) => type === "webhook.connected").length).toBe(1);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(3);
  });

  test("is told once that it is set, and so is another address later", async () => {
    await using receiver = await WebhookReceiver.start();
    expect([await notice(), await notice(), await notice("http://another/"), await notice()]).toEqual([1, 0, 1, 0]);
    await using _ = start(receiver);
    await waitFor("all three", () => receiver.received.length === 3);
    expect(new Set(receiver.received.map(({ type }) => type))).toEqual(new Set(["webhook.connected"]));
  });

  test("that was taken away fails no more", async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.answers.push((response) => response.writeHead(500).end());
    {
      await using _ = start(receiver);
      await waitFor("the failure", () => readUndelivered(database));
    }
    await database.execute(sql`update reembed.notices set next_attempt_at = now() - interval '3 hours'`);
    expect(await readUndelivered(database)).toBeUndefined();
  });

  test("that answers 500 gets the same notice again, and status and doctor tell until it has taken it", async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.answers.push((response) => response.writeHead(500).end("no"));
    await using _ = start(receiver);
    const undelivered = () => waitFor("the failure", () => readUndelivered(database));
    expect(describeUndelivered(await undelivered())).toEqual([
      "The receiver of WEBHOOK_URL does not take 1 notice, to be tried again for three days: HTTP 500.",
    ]);
    await makeDue();
    await waitFor("the second attempt", () => receiver.received.length === 2);
    expect(receiver.received[1]).toEqual(receiver.received[0]);
    await waitFor("the end of the failure", async () => (await readUndelivered(database)) === undefined);
  });

  test("that hangs, redirects or is away is a failure with its reason", async () => {
    await using elsewhere = await WebhookReceiver.start();
    await using receiver = await WebhookReceiver.start();
    const { url } = receiver;
    receiver.answers.push(
      () => {},
      (response) => response.writeHead(307, { location: elsewhere.url }).end(),
    );
    const reasonOfNext = async (reason: RegExp) => {
      await makeDue();
      await waitFor(String(reason), async () => reason.test((await readUndelivered(database))?.error ?? ""));
    };
    await using _ = start({ url }, 300);
    await reasonOfNext(/^no answer within 0.3 s$/);
    await reasonOfNext(/^HTTP 307: redirects are not followed$/);
    await receiver[Symbol.asyncDispose]();
    await reasonOfNext(/ECONNREFUSED/);
    expect(elsewhere.received).toEqual([]);
  });

  test("that has failed for three days gets a notice no more, and status and doctor say which one", async () => {
    await using receiver = await WebhookReceiver.start();
    await notice();
    await database.execute(sql`update reembed.notices set noticed_at = now() - interval '73 hours'`);
    receiver.answers.push((response) => response.writeHead(404).end());
    await using _ = start(receiver);
    const given = await waitFor("the end of the attempts", () => readUndelivered(database));
    expect(describeUndelivered(given)).toEqual([
      expect.stringMatching(
        /^1 notice for WEBHOOK_URL was given up after three days of failures, the last one: This address/,
      ),
    ]);
  });

  test("that hangs delays neither a tick nor the end of the producer", async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.answers.push(() => {});
    const settings = { batchSize: 2, maxQueuedJobs: 3, tickMs: 50, lockDurationMs: 10_000 };
    const webhook = { url: receiver.url, secret };
    const producer = await startProducer({ database, queue: servers.queue, ...settings, webhook, log });
    await waitFor("the request", () => receiver.received.length === 1);
    await waitFor("a tick", async () => {
      const { rows } = await database.execute(sql`select from reembed.profiles where state = 'backfilling'`);
      return rows.length === 1;
    });
    const endsAt = performance.now() + 8_000;
    await producer[Symbol.asyncDispose]();
    // The request would end by itself after ten seconds.
    expect(performance.now()).toBeLessThan(endsAt);
  });

  test("is not told what was before it was set, and is told of a guardrail's rollback and warning after it", async () => {
    const breach = (toStage: string) =>
      database.execute(sql`
      insert into reembed.rollout_events
        (changed_at, changed_by, from_stage, from_percent, to_stage, to_percent, reason)
      values (clock_timestamp(), 'guardrail', ${toStage === "shadow" ? "shadow" : "canary"}, 10, ${toStage}, 0, 'errors 5 %')`);
    await breach("rolled-back");
    await complete();
    await notice();
    expect(await notices()).toEqual([]);
    await breach("rolled-back");
    await breach("shadow");
    expect(await notice()).toBe(2);
    expect(await notice()).toBe(0);
    await using receiver = await WebhookReceiver.start();
    await using _ = start(receiver);
    await waitFor("both", () => receiver.types.length === 2);
    expect(receiver.types.toSorted()).toEqual(["candidate.breached", "candidate.rolled_back"]);
    const told = receiver.received.find(({ type }) => type === "candidate.rolled_back");
    expect(told?.data.text).toMatch(/^A guardrail has rolled .* had answered 10 % of the subjects.* Errors 5 %\.$/);
  });

  test("is told of a condition that lasts once, and again when it has ended and begins anew", async () => {
    await using receiver = await WebhookReceiver.start();
    await using sending = start(receiver);
    await complete();
    await quarantine(1);
    await waitFor("the first", () => receiver.types.includes("quarantine.exceeded"));
    await quarantine(0);
    await waitFor("its end", async () => (await notices()).some(({ ended }) => ended));
    await quarantine(2);
    await waitFor("the second", () => receiver.types.filter((type) => type === "quarantine.exceeded").length === 2);
    await sending[Symbol.asyncDispose]();
    expect(await notice(receiver.url)).toBe(0);
    expect(receiver.received.at(-1)?.data).toMatchObject({ quarantined: 2, chunks: 4, share: 0.5 });
  });

  test("is told once for each budget that it is spent, also if the next request did not fit", async () => {
    await setBudget(database, m3.name, 20);
    await database.execute(sql`update reembed.spendings set cost = 19.9`);
    await notice();
    expect(await notices()).toEqual([]);
    await work({
      id: "w",
      waitsFor: "The budget of mini-m3 is spent: 19.90 of 20.00, and the next request does not fit.",
    });
    await notice();
    await database.execute(sql`truncate reembed.workers`);
    expect(await notice()).toBe(0);
    expect(await notices()).toMatchObject([{ kind: "budget.spent", ended: false }]);
    await database.execute(sql`update reembed.notices set attempts = 1`);
    await setBudget(database, m3.name, 19);
    expect(await notice()).toBe(1);
    expect(await notices()).toMatchObject([{ ended: true }, { ended: false }]);
  });

  test("is told that a backfill stands still, but not if it is paused, throttled or gets on", async () => {
    await database.execute(sql`update reembed.profiles set state = 'backfilling'`);
    const kinds = async () => {
      await notice();
      return (await notices()).map(({ kind }) => kind);
    };
    expect(await kinds()).toEqual(["backfill.stalled"]);
    for (const held of ["paused = true", "paused = false, held = 'A standby is 20 s behind.'"]) {
      await database.execute(sql.raw(`update reembed.profiles set ${held}`));
      expect(await kinds()).toEqual([]);
    }
    await database.execute(sql`
      update reembed.profiles set paused = false, backfill_rate = 5, held = 'It is limited to 5 chunks/s.'`);
    await database.execute(sql`insert into reembed.throughput values (${m3.name}, now() - interval '5 minutes', 1, 1)`);
    expect(await kinds()).toEqual(["backfill.stalled"]);
    // It has to last for ten minutes before anybody is told.
    await using receiver = await WebhookReceiver.start();
    await using sending = start(receiver);
    await waitFor("the first notice", () => receiver.received.length > 0);
    expect(receiver.types).toEqual([]);
    await makeDue();
    await waitFor("it", () => receiver.types.length === 1);
    expect(receiver.received.find(({ type }) => type === "backfill.stalled")?.data.text).toMatch(
      /stands still .*: no vector was stored since .* UTC\. No worker is running/,
    );
    await sending[Symbol.asyncDispose]();
    await database.execute(sql`insert into reembed.throughput values (${m3.name}, now(), 1, 1)`);
    await notice();
    expect(await notices()).toMatchObject([{ ended: true }]);
  });

  test("is told of a worker that was lost while it was needed, not of one that comes back, stops or is idle", async () => {
    await complete();
    await work({ id: "idle", silent: "30 seconds" });
    await notice();
    expect((await notices()).map(({ kind }) => kind)).not.toContain("worker.lost");
    await database.execute(sql`update reembed.profiles set state = 'backfilling', completed_at = null`);
    await database.execute(sql`insert into reembed.throughput values (${m3.name}, now(), 1, 1)`);
    await work({ id: "lost", silent: "30 seconds" });
    await work({ id: "late", silent: "30 seconds" });
    await work({ id: "alive" });
    await notice();
    await database.execute(sql`update reembed.workers set seen_at = now() where id = 'late'`);
    await database.execute(sql`delete from reembed.workers where id = 'idle'`);
    await notice();
    expect(await notices()).toMatchObject([{ kind: "worker.lost" }]);
    // Its work may end meanwhile.
    await database.execute(sql`update reembed.profiles set paused = true`);
    await makeDue();
    await using receiver = await WebhookReceiver.start();
    await using _ = start(receiver);
    await waitFor("it", () => receiver.types.length === 1);
    const told = receiver.received.find(({ type }) => type === "worker.lost");
    expect(told?.data).toMatchObject({ worker: "lost", running: 2 });
  });

  async function work({
    id,
    silent = "0 s",
    waitsFor = null,
  }: {
    id: string;
    silent?: string;
    waitsFor?: string | null;
  }) {
    await database.execute(sql`
      insert into reembed.workers
        (id, host, pid, profile, device, model_revision, chunks_per_second, tokens_per_second, seen_at, waits_for)
      values (${id}, 'gpu-1', 1, ${m3.name}, 'cpu', '', 0, 0, now() - ${silent}::interval, ${waitsFor})`);
  }
});
