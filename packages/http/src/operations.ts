import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, ReembedError } from "@reembed/core";
import { answerWithin, type Logger, type Metrics } from "@reembed/runtime";
import { version } from "@reembed/runtime/version";
import { createHttpServer } from "./http-server.ts";

const checkTimeoutMs = 5_000;

export interface OperationsOptions {
  /** 0 takes a free port. */
  port: number;
  metrics: Metrics;
  /** The checks that must pass for the process to be ready, by name. A check that fails throws. */
  checks: Record<string, () => Promise<unknown>>;
  /** Updates the gauges before they are scraped. */
  beforeScrape?: (() => Promise<void>) | undefined;
  log: Logger;
}

/** The options that an answer needs. */
type Operations = Pick<OperationsOptions, "metrics" | "checks" | "beforeScrape">;

/**
 * Serves the probes of an orchestrator on all addresses: `/healthz` (the event loop runs), `/readyz` (every check passes)
 * and `/metrics`. No answer contains texts of the corpus or secrets.
 * @throws ReembedError `port_taken`.
 */
export async function startOperations(options: OperationsOptions): Promise<AsyncDisposable & { port: number }> {
  const server = createHttpServer(
    (request, response) => answerOperations(request.url?.split("?", 1)[0] ?? "", options, response),
    (error) => options.log.error({ error: messageOf(error) }, "a health or metrics request failed"),
  );
  server.listen(options.port);
  await once(server, "listening").catch((cause: unknown) => {
    throw new ReembedError("port_taken", `Port ${options.port} cannot be listened on: ${messageOf(cause)}`, {
      cause,
      remedy: "Set OPERATIONS_PORT to another port.",
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers a request for one of these paths. For a process that serves them together with its own. */
export async function answerOperations(pathname: string, options: Operations, response: ServerResponse): Promise<void> {
  await answer(pathname, options, response).catch((error: unknown) =>
    send(response, 500, "text/plain", messageOf(error)),
  );
}

/** Answers that the process runs, and with which version of Reembed. */
export function answerHealth(response: ServerResponse): void {
  send(response, 200, "text/plain", `ok, Reembed ${version}\n`);
}

async function answer(
  pathname: string,
  { metrics, checks, beforeScrape }: Operations,
  response: ServerResponse,
): Promise<void> {
  if (pathname === "/healthz") return answerHealth(response);
  if (pathname === "/metrics") await beforeScrape?.();
  if (pathname === "/metrics")
    return send(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
  if (pathname !== "/readyz")
    return send(response, 404, "text/plain", "Not found. This port serves /healthz, /readyz and /metrics.\n");
  const results = Object.fromEntries(
    await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await run(check)] as const)),
  );
  const ready = Object.values(results).every((result) => result === "ok");
  send(response, ready ? 200 : 503, "application/json", `${JSON.stringify({ ready, checks: results })}\n`);
}

async function run(check: () => Promise<unknown>): Promise<string> {
  return await answerWithin(checkTimeoutMs, check()).then(() => "ok", messageOf);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}
