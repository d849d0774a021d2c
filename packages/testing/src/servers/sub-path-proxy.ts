import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

export interface SubPathProxy extends AsyncDisposable {
  /** Without a trailing slash. */
  origin: string;
  /** Requests outside the path, which it answers with 404. */
  strays: string[];
}

/**
 * A reverse proxy that serves one of our sites below a path, as on a shared site. It keeps `Host`, and either removes the
 * path (nginx with a slash after proxy_pass, Traefik's stripPrefix) or keeps it (an ingress).
 */
export async function startSubPathProxy(
  target: string,
  { path, strips }: { path: string; strips: boolean },
): Promise<SubPathProxy> {
  const strays: string[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    const inside = url.startsWith(`${path}/`);
    if (!inside && !(url === path && !strips)) {
      // Proxies that remove the path do this themselves.
      if (url === path) return void response.writeHead(301, { location: `${path}/` }).end();
      strays.push(url);
      return void response.writeHead(404).end();
    }
    const { method, headers } = request;
    const upstream = forward({ hostname, port, method, headers, path: strips ? url.slice(path.length) : url });
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => {});
    });
    pipeline(request, upstream, (error) => error && response.destroy());
    response.on("close", () => upstream.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    strays,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
