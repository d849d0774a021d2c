import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { createDatabase } from "./create-database.ts";
import { freePort } from "./free-port.ts";
import { type Account, findPostgres, postgresAccount } from "./native-binaries.ts";
import { ServerFolder } from "./server-folder.ts";
import { ServerProcess } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";
import { installWithoutPgvector } from "./without-pgvector.ts";

export interface NativePostgres extends AsyncDisposable {
  /** Of the superuser, to the database `postgres`, on 127.0.0.1. */
  readonly connectionString: string;
  /** A fresh empty database on this server; returns its connection string. */
  createDatabase(name?: string): Promise<string>;
  /** SIGKILL to every process of the server. Resolves when they are gone; the data stays for `restart`. */
  kill(): Promise<void>;
  /** Same port, same data. A server that still runs is shut down first, its connections cut. */
  restart(): Promise<void>;
  /** SIGSTOP to every process of the server: its connections stay and nothing answers, as in a partition. */
  freeze(): void;
  /** SIGCONT after `freeze`. */
  thaw(): void;
}

/** No fsync: the data need only survive the end of the server, not that of the machine. */
const defaultSettings = { fsync: "off", full_page_writes: "off", max_connections: "200" };

/**
 * A PostgreSQL of our own on a free port, in a temporary folder. `settings` go over the defaults; with
 * `pgvector: false` it is one where that was never installed. With `standbyOf`, the address of another one's superuser,
 * it follows that one, read-only, until `pg_promote()`.
 * @throws ReembedError `native_missing` when PostgreSQL or pgvector is not installed.
 */
export async function startNativePostgres(
  options: { settings?: Record<string, string>; pgvector?: boolean; standbyOf?: string } = {},
): Promise<NativePostgres> {
  const binaries = findPostgres();
  const account = postgresAccount();
  await using scope = new AsyncDisposableStack();
  // SIGQUIT: the postmaster takes its backends and its shared memory with it and writes nothing more.
  const folder = scope.use(new ServerFolder("postgres", "SIGQUIT", account));
  const data = join(folder.path, "data");
  await (options.standbyOf === undefined
    ? initialise(binaries.initdb, folder, data, account)
    : copyPrimary(binaries.basebackup, options.standbyOf, { folder, data, account }));

  const port = await freePort();
  const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = {
    ...defaultSettings,
    ...options.settings,
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder.path,
  };
  const server = new ServerProcess({
    name: "PostgreSQL",
    folder,
    command: [
      options.pgvector === false ? installWithoutPgvector(binaries.postgres, folder.path) : binaries.postgres,
      "-D",
      data,
      ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
    ],
    account,
    isReady: () => answers(connectionString),
  });
  scope.defer(() => server.stop("SIGQUIT"));
  await server.start();

  const owned = scope.move();
  return {
    connectionString,
    createDatabase: (name) => createDatabase(connectionString, name),
    kill: () => kill(server),
    async restart() {
      await server.stop("SIGINT");
      await server.start();
    },
    freeze() {
      // The postmaster first: nothing is forked behind the list.
      server.signal("SIGSTOP");
      for (const pid of childrenOf(server.pid)) signalIfRunning(pid, "SIGSTOP");
    },
    thaw() {
      for (const pid of childrenOf(server.pid)) signalIfRunning(pid, "SIGCONT");
      server.signal("SIGCONT");
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function initialise(initdb: string, folder: ServerFolder, data: string, account?: Account): Promise<void> {
  // macOS knows no C.UTF-8; under C, lower() and ILIKE leave letters beyond ASCII alone.
  const locale = process.platform === "linux" ? "C.UTF-8" : "C";
  const access = ["-U", "postgres", "-A", "trust", "-E", "UTF8", `--locale=${locale}`];
  await runGuarded(initdb, ["-D", data, ...access, "--no-sync", "--no-instructions"], { folder, account });
}

async function copyPrimary(
  basebackup: string,
  primary: string,
  { folder, data, account }: { folder: ServerFolder; data: string; account: Account | undefined },
): Promise<void> {
  const parameters = ["-d", primary, "-D", data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"];
  await runGuarded(basebackup, parameters, { folder, account });
}

async function runGuarded(
  file: string,
  parameters: string[],
  { folder, account }: { folder: ServerFolder; account: Account | undefined },
): Promise<void> {
  const finished = promisify(execFile)(file, parameters, { cwd: folder.path, ...account });
  // Left to itself, it would go on writing into the folder that the guard removes.
  folder.guard(finished.child.pid);
  await finished;
  folder.guard(undefined);
}

export async function answers(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

/**
 * A backend in the middle of a long statement does not notice that its postmaster is gone: it would go on for as long
 * as the statement does, and the next server refuses a data folder that is still in use. So each is killed too.
 */
async function kill(server: ServerProcess): Promise<void> {
  const backends = childrenOf(server.pid);
  await server.stop("SIGKILL");
  for (const pid of backends) signalIfRunning(pid, "SIGKILL");
  await waitFor("the backends to end", () => backends.every((pid) => !holdsResources(pid)));
}

/** Elsewhere than on Linux there is no such list: idle backends then end by themselves. */
function childrenOf(pid: number | undefined): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, "utf8").split(" ").filter(Boolean).map(Number) : [];
}

function signalIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A zombie has given back its memory, and then its working folder; in a container nobody may ever reap it. */
function holdsResources(pid: number): boolean {
  return existsSync(`/proc/${pid}/cwd`);
}
