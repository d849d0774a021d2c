import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { findRedis } from "./native-binaries.ts";
import { redisCli } from "./redis-cli.ts";
import { ServerFolder } from "./server-folder.ts";
import { ServerProcess } from "./server-process.ts";

export interface NativeRedis extends AsyncDisposable {
  readonly url: string;
  /** Sends SIGKILL. Acknowledged writes survive for `restart` with `appendOnly`, and are lost without it. */
  kill(): Promise<void>;
  /**
   * Starts it on the same port. A running server is shut down first and saves its data; one that was killed has the data of
   * its append-only file. With `keepData: false` the new one starts empty.
   */
  restart(options?: { keepData?: boolean }): Promise<void>;
  /** Sends SIGSTOP: connections stay open but nothing answers, as in a network partition. */
  freeze(): void;
  /** Sends SIGCONT after `freeze`. */
  thaw(): void;
}

interface NativeRedisOptions {
  policy?: string;
  appendOnly?: boolean;
  /** Makes it the only node of a cluster. */
  cluster?: boolean;
  /** For its append-only file, in the place of its temporary folder; without `keepData` it is emptied too. */
  dataFolder?: string;
  /** The address of the Redis that it follows, read-only, until it is told `replicaof no one`. */
  replicaOf?: string;
}

/**
 * Starts a Redis on a free port, in a temporary folder.
 * @throws ReembedError `native_missing` if Redis is not installed.
 */
export async function startNativeRedis({
  policy = "noeviction",
  appendOnly = false,
  cluster = false,
  dataFolder,
  replicaOf,
}: NativeRedisOptions = {}): Promise<NativeRedis> {
  const binaries = findRedis();
  await using scope = new AsyncDisposableStack();
  const folder = scope.use(new ServerFolder("redis", "SIGKILL"));
  const data = dataFolder ?? join(folder.path, "data");
  mkdirSync(data, { recursive: true });

  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: data,
    save: "",
    "maxmemory-policy": policy,
    appendonly: appendOnly ? "yes" : "no",
    // Written before each reply, which `everysec` does not guarantee, so that a SIGKILL loses nothing that was acknowledged.
    appendfsync: "no",
    ...(replicaOf === undefined ? {} : { replicaof: placeOf(replicaOf), "repl-diskless-sync-delay": "0" }),
    ...(cluster ? { "cluster-enabled": "yes", "cluster-port": `${await freePort()}` } : {}),
  };
  const server = new ServerProcess({
    name: "Redis",
    folder,
    command: [binaries.server, ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, ...[value].flat()])],
    isReady: () => answers(url),
  });
  scope.defer(() => server.stop("SIGKILL"));
  await server.start();

  const owned = scope.move();
  return {
    url,
    kill: () => server.stop("SIGKILL"),
    async restart({ keepData = true } = {}) {
      if (keepData) {
        await shutdown(server, url);
      } else {
        await server.stop("SIGKILL");
        rmSync(data, { recursive: true });
        mkdirSync(data);
      }
      await server.start();
    },
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Saves with any settings, and only after the last write. */
async function shutdown(server: ServerProcess, url: string): Promise<void> {
  if (server.pid === undefined) return;
  const refusal = await redisCli(url, "shutdown", "save");
  if (refusal !== "") throw new Error(`Redis did not shut down: ${refusal}`);
  await server.exited();
}

/** As `replicaof` takes it. */
function placeOf(url: string): [host: string, port: string] {
  const { hostname, port } = new URL(url);
  return [hostname, port];
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await redisCli(url, "ping")) === "PONG";
  } catch {
    return false;
  }
}
