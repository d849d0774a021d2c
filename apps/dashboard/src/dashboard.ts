import { once } from "node:events";
import { type AddressInfo, isIPv6 } from "node:net";
import { messageOf, ReembedError } from "@reembed/core";
import { EmbedQueues, type QueueServer, TickQueue } from "@reembed/queue";
import { answerWithin, belowBasePath, createHttpServer, type Logger, sendStatus } from "@reembed/runtime";
import type { Database } from "@reembed/store";
import type { Request, Response } from "express";
import { Access } from "./access/access.ts";
import { createApp } from "./app.ts";
import { resolveListenAddress } from "./listen-address.ts";
import { SharedPoll } from "./overview/shared-poll.ts";
import { readSnapshot } from "./overview/snapshot.ts";
import { createRolloutReader } from "./rollout/rollout-overview.ts";

/** While somebody watches, the overview is refreshed at this interval; the database is not read more often. */
const pollMs = 1_000;
const answerMs = 5_000;

export interface DashboardOptions {
  database: Database;
  queue: QueueServer;
  /** An address or a name; by default loopback. */
  host?: string;
  /** 0 takes a free port. */
  port: number;
  /** Password of admins. Without it everybody is an admin, and only loopback is served. */
  password?: string | undefined;
  /** Password of viewers, who may change nothing. */
  viewerPassword?: string | undefined;
  /** Proxies between this process and its clients: their number, or their addresses or subnets. */
  trustedProxies?: number | readonly string[] | undefined;
  /** Path below which people reach it, as `/reembed`, where it shares a site with others; empty for none. */
  basePath?: string;
  log: Logger;
}

/**
 * Serves the overview at `/` and Bull Board at `/board`.
 * @throws ReembedError of `resolveListenAddress`, or `port_taken`.
 */
export async function startDashboard(options: DashboardOptions): Promise<AsyncDisposable & { url: string }> {
  const { database, log, host = "127.0.0.1", basePath = "" } = options;
  const access = new Access({ admin: options.password, viewer: options.viewerPassword });
  const { address, onLoopback } = await resolveListenAddress(host, options.password);

  await using scope = new AsyncDisposableStack();
  const onError = (error: unknown) => log.warn({ error: messageOf(error) }, "queue error");
  const queues = scope.use(new EmbedQueues(options.queue, onError));
  const ticks = scope.use(new TickQueue(options.queue, onError));
  const sources = { database, queues, ticks };
  const readRollout = createRolloutReader(database);
  const poll = scope.use(
    new SharedPoll({
      read: () => answerWithin(answerMs, readSnapshot({ ...sources, readRollout })),
      intervalMs: pollMs,
      onError: (error) => log.warn({ error: messageOf(error) }, "the overview could not be read"),
    }),
  );

  const { trustedProxies } = options;
  const app = createApp({ ...sources, poll, access, trustedProxies, onLoopback, basePath, log });
  const server = createHttpServer(
    // Without the last argument, express would print errors of its own handlers with a stack trace, and send them.
    belowBasePath(basePath, (request, response) =>
      app(request as Request, response as Response, () => sendStatus(response, 500)),
    ),
    (error) => log.error({ error: messageOf(error) }, "request failed"),
  ).listen(options.port, address);
  await once(server, "listening").catch((cause: unknown) => {
    throw portTaken(`${host}:${options.port}`, cause);
  });
  scope.defer(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  const opened = scope.move();
  const name = isIPv6(host) ? `[${host}]` : host;
  return { url: `http://${name}:${port}/`, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function portTaken(place: string, cause: unknown): ReembedError {
  return new ReembedError("port_taken", `The dashboard cannot listen on ${place}: ${messageOf(cause)}`, {
    cause,
    remedy: "Set DASHBOARD_PORT to another port.",
  });
}
