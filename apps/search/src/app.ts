import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { answerOperations, type OperationsOptions, sharedPublicFolder } from "@reembed/http";
import type { Logger } from "@reembed/runtime";
import express, { type Express, type RequestHandler } from "express";
import { answerSearch, type SearchContext } from "./answer/answer-search.ts";
import { FeedbackRequest, parseBody, SearchRequest } from "./answer/search-request.ts";
import { describeRollout } from "./describe-rollout.ts";
import { describeApi } from "./description/describe-api.ts";
import { keepExactNumbers } from "./http/exact-numbers.ts";
import { limitSearches, requireJson, requireKey, requireOwnName } from "./http/guards.ts";
import { pageHeaders } from "./http/headers.ts";
import { handleErrors, notFound, Problem } from "./http/problem.ts";
import { traceRequest } from "./http/trace-request.ts";
import { acceptFeedback } from "./log/accept-feedback.ts";

export interface AppOptions extends SearchContext {
  checks: OperationsOptions["checks"];
  apiKey: string | undefined;
  /** Requests per minute from one address; 0 means no limit. */
  rateLimit: number;
  trustedProxies: number | readonly string[] | undefined;
  onLoopback: boolean;
  /** The path of its public address; empty for none. */
  basePath: string;
  log: Logger;
}

/** All routes, each after the checks that guard it. */
export function createApp({
  checks,
  apiKey,
  rateLimit,
  trustedProxies,
  onLoopback,
  basePath,
  log,
  ...context
}: AppOptions): Express {
  const app = express().disable("x-powered-by").disable("etag");
  app.set("trust proxy", trustedProxies ?? false);
  app.use(pageHeaders());
  const operations = { metrics: context.metrics, checks };
  for (const path of ["/healthz", "/metrics"]) {
    app.get(path, async (_, response) => await answerOperations(path, operations, response));
  }
  if (onLoopback && apiKey === undefined) app.use(requireOwnName);
  for (const folder of [sharedPublicFolder, fileURLToPath(new URL("../public", import.meta.url))]) {
    app.use(express.static(folder, { redirect: false }));
  }

  const description = describeApi(basePath);
  // Without the key: it is the same for everybody, and says how to send one.
  app.get("/openapi.json", (_, response) => void response.json(description));

  // Readiness is guarded too, because it queries the database and the models. An orchestrator uses OPERATIONS_PORT instead,
  // which others cannot reach.
  const guarded = ["/v1", "/readyz"];
  if (rateLimit > 0) app.use(guarded, limitSearches(rateLimit));
  if (apiKey !== undefined) app.use(guarded, requireKey(apiKey));
  app.get("/readyz", async (_, response) => await answerOperations("/readyz", operations, response));
  app.get("/v1/rollout", async (_, response) => void response.json(await describeRollout(context)));
  // Not strict: a body that is JSON and no object, as `null`, is refused with what it must be.
  const json = express.json({ limit: "64kb", verify: requireUtf8, reviver: keepExactNumbers, strict: false });
  app.post("/v1/search", requireJson, json, traceRequest("/v1/search"), async (request, response) => {
    const requestId = randomUUID();
    response.locals.requestId = requestId;
    response.json(await answerSearch(requestId, parseBody(SearchRequest, request.body), context));
  });
  app.post("/v1/feedback", requireJson, json, async (request, response) => {
    await acceptFeedback(context.database, parseBody(FeedbackRequest, request.body));
    response.status(204).end();
  });
  for (const [path, operations] of Object.entries(description.paths)) {
    app.all(path, allowOnly("get" in operations ? ["GET", "HEAD"] : ["POST"]));
  }
  app.use(notFound, handleErrors(log));
  return app;
}

/** Bytes that are not UTF-8 would be read as U+FFFD, and the search would be for another text than was sent. */
function requireUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new Error("not UTF-8");
}

function allowOnly(methods: string[]): RequestHandler {
  return (_, response) => {
    response.set("Allow", methods.join(", "));
    throw new Problem(405, "wrong_method", `This address only accepts ${methods.join(" and ")}.`);
  };
}
