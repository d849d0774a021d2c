import { answerHealth } from "@reembed/http";
import type { EmbedQueues, TickQueue } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import cookieParser from "cookie-parser";
import express, { type Express } from "express";
import type { Access } from "./access/access.ts";
import { requireIdentity, requireOwnName, requireSameOrigin, requireToWrite } from "./access/guards.ts";
import { pageHeaders } from "./access/headers.ts";
import { loginRoutes } from "./access/login.ts";
import { boardRoutes } from "./board/board-routes.ts";
import { changesRoutes } from "./changes/changes-routes.ts";
import { describeApi } from "./description/describe-api.ts";
import { overviewRoutes } from "./overview/overview-routes.ts";
import type { SharedPoll } from "./overview/shared-poll.ts";
import type { Snapshot } from "./overview/snapshot.ts";
import { serveAssets } from "./page/assets.ts";
import { handleErrors, notFound } from "./page/problem.ts";
import { quarantineRoutes } from "./quarantine/quarantine-routes.ts";
import { steeringRoutes } from "./steering/steering-routes.ts";
import type { Steering } from "./steering/step.ts";

export interface AppOptions {
  database: Database;
  queues: EmbedQueues;
  ticks: TickQueue;
  poll: SharedPoll<Snapshot>;
  steering: Steering;
  /** Called after a person has changed something on a page. */
  onSteered: () => void;
  access: Access;
  trustedProxies: number | readonly string[] | undefined;
  onLoopback: boolean;
  /** Prefix of every address that this process sends to browsers. */
  basePath: string;
  log: Logger;
}

/** All routes, each after the checks that guard it. */
export function createApp({
  poll,
  steering,
  onSteered,
  access,
  trustedProxies,
  onLoopback,
  basePath,
  log,
  ...sources
}: AppOptions): Express {
  const app = express().disable("x-powered-by");
  app.set("trust proxy", trustedProxies ?? false);
  app.locals.basePath = basePath;
  app.use(pageHeaders());
  app.get("/healthz", (_, response) => answerHealth(response));
  if (onLoopback && !access.guarded) app.use(requireOwnName);
  const description = describeApi(basePath);
  // Needs no password: it is the same for everybody, and says how a script sends its token.
  app.get("/openapi.json", (_, response) => void response.json(description));
  app.use("/assets", serveAssets());
  app.use(requireSameOrigin, cookieParser());
  if (access.guarded) app.use(loginRoutes(access));

  app.use(requireIdentity(access));
  app.use("/steer", steeringRoutes({ ...sources, ...steering }, onSteered));
  // Whatever else changes something needs an admin, also what is added below without a thought about roles.
  app.use(requireToWrite("admin"));
  app.use(overviewRoutes(poll, access));
  app.use("/changes", changesRoutes(sources.database));
  app.use("/quarantine", quarantineRoutes(sources.database));
  app.use("/board", boardRoutes({ ...sources, basePath }));
  app.use(notFound, handleErrors(log));
  return app;
}
