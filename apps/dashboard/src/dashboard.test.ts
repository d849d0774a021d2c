import { readStatus } from "@reembed/migration/status";
import { EmbedQueue, EmbedQueues, startTickWorker, TickQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { version } from "@reembed/runtime/version";
import type { Database } from "@reembed/store/database";
import { registerProfiles } from "@reembed/store/registration";
import {
  describeOnOneServer,
  openTestDatabase,
  storeBodies,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { guard, steering } from "../test/open-dashboard.ts";
import { startDashboard } from "./dashboard.ts";

const log = createLogger("silent");

describeOnOneServer("the dashboard", (open) => {
  let servers: TestServers;
  let database: Database;
  let url: string;
  beforeAll(async () => {
    servers = await open();
    database = await openTestDatabase(servers, [testProfile("mini-m3")]);
    await storeBodies(database, ["pay", "leave"]);
    const dashboard = await startDashboard({ database, queue: servers.queue, guard, steering, port: 0, log });
    url = dashboard.url;
    return async () => {
      await dashboard[Symbol.asyncDispose]();
      await database.$client.end();
    };
  });

  test("/healthz tells the version", async () => {
    expect(await (await fetch(`${url}healthz`)).text()).toBe(`ok, Reembed ${version}\n`);
  });

  test("the overview shows the progress of every profile", async () => {
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toMatch(/html/);
    const page = await response.text();
    expect(page).toContain("mini-m3");
    expect(page).toMatch(/Pending<\/dt><dd>2<\/dd>/);
    expect(page).toContain("0.0 %");
    expect(page).toContain("No worker is running.");
    expect(page).toContain("Start a producer.");
  });

  test("its events send the overview again, with a change within a second or two", async () => {
    const { body } = await fetch(`${url}events`);
    if (body === null) throw new Error("no stream");
    let text = "";
    let stored = false;
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (!stored && text.includes("Pending</dt><dd>2</dd>")) {
        await storeBodies(database, ["pay", "leave", "travel"]);
        stored = true;
      }
      if (text.includes("Pending</dt><dd>3</dd>")) break;
    }
    expect(stored).toBe(true);
  });

  test("the producer's last action is described in a sentence", async () => {
    await using ticks = new TickQueue(servers.queue, () => {});
    const report = { profile: "mini-m3", changes: 2, backfill: 64, gaps: 0, state: "enqueuing", completed: false };
    const worker = startTickWorker(
      servers.queue,
      10_000,
      async () => [report],
      () => {},
    );
    onTestFinished(() => worker.close());
    await ticks.ensureScheduled(60_000);
    await waitFor("the page to show it", async () => {
      const page = await (await fetch(url)).text();
      return (
        page.includes("Enqueued 2 changes and 64 chunks of the backfill.") &&
        !page.includes("check that a producer is running")
      );
    });
  });

  test("Bull Board shows the producer's queue and one per profile, with its jobs", async () => {
    const queue = new EmbedQueue(servers.queue, "mini-m3", () => {});
    onTestFinished(() => queue[Symbol.asyncDispose]());
    await queue.enqueue([{ profile: "mini-m3", kind: "backfill", chunkIds: [1, 2] }]);
    const board = (await (await fetch(`${url}board/api/queues?activeQueue=embed-mini-m3`)).json()) as {
      queues: { name: string; counts: Record<string, number> }[];
    };
    expect(board.queues.map(({ name }) => name)).toEqual(["producer", "embed-mini-m3"]);
    expect(board.queues[1]?.counts.prioritized ?? board.queues[1]?.counts.waiting).toBe(1);
    expect((await fetch(`${url}board`)).status).toBe(200);
  });

  test("a profile that is registered later appears", async () => {
    await registerProfiles(database, [testProfile("mini-rubert")]);
    await using queues = new EmbedQueues(servers.queue, () => {});
    const board = (await (await fetch(`${url}board/api/queues`)).json()) as { queues: { name: string }[] };
    expect(board.queues.map(({ name }) => name)).toContain("embed-mini-rubert");
    expect((await readStatus(database, queues)).map(({ profile }) => profile)).toEqual(["mini-m3", "mini-rubert"]);
  });

  test("it listens on loopback, and reports a port that is in use", async () => {
    const port = Number(new URL(url).port);
    expect(new URL(url).hostname).toBe("127.0.0.1");
    await expect(startDashboard({ database, queue: servers.queue, guard, steering, port, log })).rejects.toThrow(
      `The dashboard cannot listen on 127.0.0.1:${port}`,
    );
  });
});
