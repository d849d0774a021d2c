import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { EmbedQueues, TickQueue } from "@reembed/queue";
import type { Database } from "@reembed/store/database";
import { recordChange } from "@reembed/store/operators";
import { readProfiles } from "@reembed/store/profiles";
import express, { type Request, type Router } from "express";
import { identityOf, isRead } from "../access/guards.ts";
import { boardHeaders } from "../access/headers.ts";
import { describeRole, type Identity } from "../access/identity.ts";
import { BoardServerAdapter } from "./board-page.ts";
import { boardProblems } from "./board-problems.ts";
import { clampPages } from "./clamp-pages.ts";
import { describeBatches } from "./formatters.ts";

export interface BoardSources {
  database: Database;
  queues: EmbedQueues;
  ticks: TickQueue;
  basePath: string;
}

/**
 * Bull Board for the producer's queue and one queue per profile; profiles that are registered later are added then. There
 * are two boards, because Bull Board hides its buttons per queue and not per user. What a button does is written down before
 * it is done.
 */
export function boardRoutes(sources: BoardSources): Router {
  const boards = { steering: new Board(sources, false), reading: new Board(sources, true) };
  const router = express.Router();
  router.use(boardHeaders(), boardProblems, clampPages, express.json());
  router.use(async (request, response, next) => {
    const identity = identityOf(response);
    const board = identity.role === "admin" ? boards.steering : boards.reading;
    if (!isRead(request)) await recordButton(sources.database, identity, request);
    await board.addNewProfiles();
    board.routes(request, response, next);
  });
  return router;
}

async function recordButton(database: Database, identity: Identity, { method, path }: Request): Promise<void> {
  const { name, role } = identity;
  const change = { subject: "Bull Board", fromValue: "", toValue: `${method} ${path}`.slice(0, 500) };
  const by = name ?? `${role} of the dashboard`;
  await recordChange(database, change, { by, as: describeRole(identity), reason: "" });
}

class Board {
  readonly routes: express.Handler;
  readonly #sources: BoardSources;
  readonly #readOnlyMode: boolean;
  readonly #shown = new Set<string>();
  readonly #board: ReturnType<typeof createBullBoard>;

  constructor(sources: BoardSources, readOnlyMode: boolean) {
    this.#sources = sources;
    this.#readOnlyMode = readOnlyMode;
    const serverAdapter = new BoardServerAdapter();
    serverAdapter.setBasePath(`${sources.basePath}/board`);
    const ticks = new BullMQAdapter(sources.ticks.bullmq, {
      readOnlyMode: this.#readOnlyMode,
      description: "The producer's ticks",
    });
    this.#board = createBullBoard({
      queues: [ticks],
      serverAdapter,
      options: {
        uiConfig: {
          boardTitle: "Reembed",
          hideDocsLink: true,
          // BullMQ's list of workers is incomplete on PostgreSQL. The overview lists all of them, with device and rate.
          showWorkers: false,
          miscLinks: [{ text: "Overview", url: `${sources.basePath}/` }],
        },
      },
    });
    this.routes = serverAdapter.getRouter().disable("x-powered-by");
  }

  async addNewProfiles(): Promise<void> {
    const { database, queues, basePath } = this.#sources;
    for (const { name } of await readProfiles(database)) {
      if (this.#shown.has(name)) continue;
      this.#shown.add(name);
      const adapter = new BullMQAdapter(queues.of(name).bullmq, {
        readOnlyMode: this.#readOnlyMode,
        description: `Batches of ${name}`,
        // Only jobs with quarantined chunks get a link, although the type says that all do.
        externalJobUrl: ({ returnvalue }) =>
          (returnvalue?.quarantined > 0 ? quarantineLink(basePath, name) : undefined) as ReturnType<
            typeof quarantineLink
          >,
      });
      describeBatches(adapter);
      this.#board.addQueue(adapter);
    }
  }
}

function quarantineLink(basePath: string, profile: string): { displayText: string; href: string } {
  return { displayText: "Quarantine", href: `${basePath}/quarantine/${encodeURIComponent(profile)}` };
}
