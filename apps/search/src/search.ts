import { messageOf } from "@reembed/core";
import { type OperationsOptions, serveApp } from "@reembed/http";
import { type AnsweringOptions, openAnswering } from "./answering.ts";
import { createApp } from "./app.ts";
import { resolveSearchHost } from "./http/guards.ts";

/** How long the end waits for running requests. A search that waits longer for its database is cut off. */
const drainMs = 8_000;
export interface SearchAppOptions extends AnsweringOptions {
  /** An address or a name; by default loopback. */
  host?: string;
  /** 0 takes a free port. */
  port: number;
  /** Without a key, only loopback is served. */
  apiKey?: string | undefined;
  /** Requests per minute from one address; 0, the default, means no limit. */
  rateLimit?: number;
  /** Proxies between this process and its clients: their number, or their addresses or subnets. */
  trustedProxies?: number | readonly string[] | undefined;
  /** The path of its public address, such as `/search`, if another site serves it below a path; empty for none. */
  basePath?: string;
}

export interface SearchApp extends AsyncDisposable {
  url: string;
  /** The checks that must pass for this process to be ready. */
  checks: OperationsOptions["checks"];
}

/**
 * Serves `POST /v1/search` and a page at `/` that shows both profiles' answers, follows the rollout, and checks its
 * guardrails. Disposal answers running requests and records the last events.
 * @throws ReembedError `search_unprotected`, `port_taken`, or `rollout_missing` if `reembed init` has not run.
 */
export async function startSearch(options: SearchAppOptions): Promise<SearchApp> {
  const { log, host = "127.0.0.1", apiKey, rateLimit = 0, trustedProxies, basePath = "" } = options;
  const { address, onLoopback } = await resolveSearchHost(host, apiKey);

  await using scope = new AsyncDisposableStack();
  const { context, checks } = scope.use(await openAnswering(options));
  const app = createApp({ ...context, checks, apiKey, rateLimit, trustedProxies, onLoopback, basePath, log });
  const onError = (error: unknown) => log.error({ error: messageOf(error) }, "search failed");
  const listening = { host, address, port: options.port, basePath, drainMs, onError };
  const { url } = scope.use(await serveApp(app, { ...listening, name: "The search", portVariable: "SEARCH_PORT" }));
  const opened = scope.move();
  return { url, checks, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
