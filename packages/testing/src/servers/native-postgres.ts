import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { waitFor } from "../processes/wait-for.ts";
import { createDatabase } from "./create-database.ts";
import { freePort } from "./free-port.ts";
import { type Account, findPostgres, postgresAccount } from "./native-binaries.ts";
import { ServerFolder } from "./server-folder.ts";
import { ServerProcess } from "./server-process.ts";
import { installWithoutPgvector } from "./without-pgvector.ts";

export interface NativePostgres extends AsyncDisposable {
  /** Connects the superuser to the database `postgres` on 127.0.0.1. */
  readonly connectionString: string;
  /** Creates an empty database on this server and returns its connection string. */
  createDatabase(name?: string): Promise<string>;
  /** Sends SIGKILL to every process of the server. Resolves when they have ended; the data stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it on the same port with the same data. A running server is shut down first, with its connections cut. */
  restart(): Promise<void>;
  /** Sends SIGSTOP to every process of the server: connections stay open but nothing answers, as in a network partition. */
  freeze(): void;
  /** Sends SIGCONT after `freeze`. */
  thaw(): void;
}

/** Without fsync: the data must survive the end of the server, but not that of the machine. */
const defaultSettings = { fsync: "off", full_page_writes: "off", max_connections: "200" };

/**
 * Starts a PostgreSQL on a free port, in a temporary folder. `settings` override the defaults; with `pgvector: false` it is
 * one on which pgvector is not installed. With `standbyOf`, the address of another server's superuser, it is a read-only
 * standby of that server until `pg_promote()`.
 * @throws ReembedError `native_missing` if PostgreSQL or pgvector is not installed.
 */
export async function startNativePostgres(
  options: { settings?: Record<string, string>; pgvector?: boolean; standbyOf?: string; walFolder?: string } = {},
): Promise<NativePostgres> {
  const binaries = findPostgres();
  const account = postgresAccount();
  await using scope = new AsyncDisposableStack();
  // SIGQUIT: the postmaster ends its backends, frees its shared memory and writes nothing more.
  const folder = scope.use(new ServerFolder("postgres", "SIGQUIT", account));
  const data = join(folder.path, "data");
  await (options.standbyOf === undefined
    ? initialise(binaries.initdb, { folder, data, account, walFolder: options.walFolder })
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
      // The postmaster first, so that no process is forked after the list was read.
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

interface NewCluster {
  folder: ServerFolder;
  data: string;
  account: Account | undefined;
  /** For its write-ahead log, in segments of 1 MB; inside `data` by default. */
  walFolder: string | undefined;
}

async function initialise(initdb: string, { folder, data, account, walFolder }: NewCluster): Promise<void> {
  // macOS has no C.UTF-8; with C, lower() and ILIKE do not handle letters beyond ASCII.
  const locale = process.platform === "linux" ? "C.UTF-8" : "C";
  const access = ["-U", "postgres", "-A", "trust", "-E", "UTF8", `--locale=${locale}`];
  const wal = walFolder === undefined ? [] : [`--waldir=${walFolder}`, "--wal-segsize=1"];
  await runGuarded(initdb, ["-D", data, ...access, ...wal, "--no-sync", "--no-instructions"], { folder, account });
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
  // Otherwise it would continue to write into the folder that the guard removes.
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
 * A backend in the middle of a long statement does not notice that its postmaster has ended. It would continue until the
 * statement ends, and a new server refuses a data folder that is still in use. So every backend is killed too.
 */
async function kill(server: ServerProcess): Promise<void> {
  const backends = childrenOf(server.pid);
  await server.stop("SIGKILL");
  for (const pid of backends) signalIfRunning(pid, "SIGKILL");
  await waitFor("the backends to end", () => backends.every((pid) => !holdsResources(pid)));
}

/** Only Linux has such a list. Elsewhere idle backends end by themselves. */
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

/** A zombie has already released its memory and working folder; in some containers nobody ever reaps it. */
function holdsResources(pid: number): boolean {
  return existsSync(`/proc/${pid}/cwd`);
}
