import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface SwallowingProxy extends AsyncDisposable {
  /** The address of the server through the proxy. */
  connectionString: string;
  /** From now on, existing connections accept data but never answer; new ones work normally. */
  swallow(): void;
  /** The number of such connections that no client has closed. */
  swallowed(): number;
  /** Cuts the connections that there are; new ones go to another server, as after a failover. */
  leadTo(connectionString: string): void;
}

/** A proxy in front of PostgreSQL or Redis that can lose connections silently, as load balancers and firewalls do. */
export async function startSwallowingProxy(connectionString: string): Promise<SwallowingProxy> {
  let target = new URL(connectionString);
  const clients = new Map<Socket, Socket>();
  const swallowed = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    clients.set(client, upstream);
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("data", (bytes) => !swallowed.has(client) && upstream.write(bytes));
    upstream.on("data", (bytes) => !swallowed.has(client) && client.write(bytes));
    upstream.on("close", () => client.destroy());
    client.on("close", () => {
      clients.delete(client);
      swallowed.delete(client);
      upstream.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxied = new URL(connectionString);
  proxied.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    connectionString: proxied.href,
    swallow() {
      for (const client of clients.keys()) swallowed.add(client);
    },
    swallowed: () => swallowed.size,
    leadTo(another) {
      target = new URL(another);
      for (const client of clients.keys()) client.destroy();
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const client of clients.keys()) client.destroy();
      await closed;
    },
  };
}
