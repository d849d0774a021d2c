import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems use for outgoing connections (from 32768 on Linux, from 49152 elsewhere). Otherwise a client
 * that keeps trying to reach a server which is away would some time be given the server's own port, connect to itself, and
 * prevent the server from coming back.
 */
const least = 15_000;
const most = 32_000;

/** A TCP port of 127.0.0.1 on which nothing listens, and which no client of this machine is given. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = least + Math.floor(Math.random() * (most - least));
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
