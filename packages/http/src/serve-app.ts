import { once } from "node:events";
import { type AddressInfo, isIPv6 } from "node:net";
import { messageOf, ReembedError } from "@reembed/core";
import type { Express, Request, Response } from "express";
import { belowBasePath } from "./base-path.ts";
import { createHttpServer } from "./http-server.ts";
import { sendProblemDocument } from "./problem-document.ts";

export interface ServeOptions {
  /** As the operator wrote it; the URL has it. */
  host: string;
  /** What the host resolved to. */
  address: string;
  /** 0 takes a free one. */
  port: number;
  /** See `belowBasePath`. */
  basePath: string;
  /** Who listens, as an error says it: `The search`. */
  name: string;
  /** The variable that names the port. */
  portVariable: string;
  /** How long requests in hand may take at the end, in milliseconds. Then, and at once with 0, they are cut off. */
  drainMs: number;
  /** Told what went wrong outside of the app's own error handler. */
  onError: (error: unknown) => void;
}

/**
 * Serves an express app. Disposing of it takes no new request and lets those in hand be answered.
 * @throws ReembedError `port_taken`.
 */
export async function serveApp(
  app: Express,
  { host, address, port, basePath, name, portVariable, drainMs, onError }: ServeOptions,
): Promise<AsyncDisposable & { url: string }> {
  const server = createHttpServer(
    belowBasePath(basePath, (request, response) =>
      // Express makes its own kinds of the two. Without the last argument it would print what its own handlers throw with a
      // stack trace, and send it.
      app(request as Request, response as Response, () => sendProblemDocument(response, { status: 500 })),
    ),
    onError,
  ).listen(port, address);
  await once(server, "listening").catch((cause: unknown) => {
    throw new ReembedError("port_taken", `${name} cannot listen on ${host}:${port}: ${messageOf(cause)}`, {
      cause,
      remedy: `Set ${portVariable} to another port.`,
    });
  });
  const hostname = isIPv6(host) ? `[${host}]` : host;
  return {
    url: `http://${hostname}:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      if (drainMs === 0) server.closeAllConnections();
      const late = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(late);
    },
  };
}
