import { once } from "node:events";
import { type AddressInfo, isIPv6 } from "node:net";
import { messageOf, ReembedError } from "@reembed/core";
import type { Express, Request, Response } from "express";
import { belowBasePath } from "./base-path.ts";
import { createHttpServer } from "./http-server.ts";
import { sendProblemDocument } from "./problem-document.ts";

export interface ServeOptions {
  /** The host as configured; it appears in the URL. */
  host: string;
  /** The address that the host resolved to. */
  address: string;
  /** 0 chooses a free port. */
  port: number;
  /** See `belowBasePath`. */
  basePath: string;
  /** The name of the server in error messages: `The search`. */
  name: string;
  /** The variable that sets the port, for error messages. */
  portVariable: string;
  /** How long running requests may take after the server is disposed, in milliseconds. With 0 they are cut off at once. */
  drainMs: number;
  /** Receives errors that the app's own error handler does not see. */
  onError: (error: unknown) => void;
}

/**
 * Serves an express app. After disposal it accepts no new requests and lets running ones finish.
 * @throws ReembedError `port_taken`.
 */
export async function serveApp(
  app: Express,
  { host, address, port, basePath, name, portVariable, drainMs, onError }: ServeOptions,
): Promise<AsyncDisposable & { url: string }> {
  const server = createHttpServer(
    belowBasePath(basePath, (request, response) =>
      // Express extends both objects to its own types. Without the last argument, it would print errors that its own
      // handlers throw, and send them with a stack trace.
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
