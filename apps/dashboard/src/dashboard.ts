import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { ExpressAdapter } from "@bull-board/express";
import { messageOf, ReembedError } from "@reembed/core";
import { EmbedQueues, type QueueServer, TickQueue } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import { type Database, readProfiles } from "@reembed/store";
import express, { type NextFunction, type Request, type Response } from "express";
import { renderOverview } from "./overview.ts";
import { readStatus } from "./status.ts";

const loopback = "127.0.0.1";

export interface DashboardOptions {
  database: Database;
  queue: QueueServer;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
}

/** Serves the overview at `/` and Bull Board at `/board`, on loopback: neither asks who is there. */
export async function startDashboard(options: DashboardOptions): Promise<AsyncDisposable & { url: string }> {
  const { database, log } = options;
  await using scope = new AsyncDisposableStack();
  const onError = (error: Error) => log.warn({ error: messageOf(error) }, "queue error");
  const queues = scope.use(new EmbedQueues(options.queue, onError));
  const ticks = scope.use(new TickQueue(options.queue, onError));
  const app = express().disable("x-powered-by");
  app.get("/", async (_, response) => {
    response.type("html").send(renderOverview(await readStatus(database, queues)));
  });
  app.use("/board", bullBoard(database, queues, ticks));
  app.use((error: unknown, _: Request, response: Response, __: NextFunction) => {
    log.error({ error: messageOf(error) }, "page failed");
    response.status(500).type("text").send("This page failed; the dashboard's log says why.");
  });

  const server = app.listen(options.port, loopback);
  await once(server, "listening").catch((cause: unknown) => {
    throw new ReembedError(
      "port_taken",
      `The dashboard cannot listen on ${loopback}:${options.port}: ${messageOf(cause)}`,
      {
        cause,
        remedy: "Set DASHBOARD_PORT to another port.",
      },
    );
  });
  scope.defer(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  const opened = scope.move();
  return { url: `http://${loopback}:${port}/`, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Bull Board for the producer's queue and one queue per profile; a profile that is registered later is added then. */
function bullBoard(database: Database, queues: EmbedQueues, ticks: TickQueue): express.Router {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath("/board");
  const board = createBullBoard({ queues: [new BullMQAdapter(ticks.bullmq)], serverAdapter });
  const shown = new Set<string>();
  const router = express.Router();
  router.use(async (_request, _response, next) => {
    for (const { name } of await readProfiles(database)) {
      if (!shown.has(name)) board.addQueue(new BullMQAdapter(queues.of(name).bullmq));
      shown.add(name);
    }
    next();
  });
  return router.use(serverAdapter.getRouter());
}
