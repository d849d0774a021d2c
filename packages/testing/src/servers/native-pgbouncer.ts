import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { findPgbouncer, postgresAccount } from "./native-binaries.ts";
import { answers } from "./native-postgres.ts";
import { ServerFolder } from "./server-folder.ts";
import { ServerProcess } from "./server-process.ts";

export interface NativePgbouncer extends AsyncDisposable {
  /** Connects to the database of the server behind it. */
  readonly connectionString: string;
}

/**
 * Starts a PgBouncer in front of one of our servers. It refuses every startup parameter that it does not track for its
 * clients.
 * @throws ReembedError `native_missing` if PgBouncer is not installed.
 */
export async function startNativePgbouncer(
  connectionString: string,
  poolMode: "transaction" | "session",
): Promise<NativePgbouncer> {
  const account = postgresAccount();
  await using scope = new AsyncDisposableStack();
  const folder = scope.use(new ServerFolder("pgbouncer", "SIGKILL", account));
  const port = await freePort();
  const { hostname, port: serverPort, username } = new URL(connectionString);
  const users = join(folder.path, "users.txt");
  const configuration = join(folder.path, "pgbouncer.ini");
  writeFileSync(users, `"${username}" ""\n`);
  writeFileSync(
    configuration,
    `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = ${poolMode}
default_pool_size = 150
`,
  );
  const url = new URL(connectionString);
  url.port = `${port}`;
  const server = new ServerProcess({
    name: "PgBouncer",
    folder,
    command: [findPgbouncer(), configuration],
    account,
    isReady: () => answers(url.href),
  });
  scope.defer(() => server.stop("SIGKILL"));
  await server.start();
  const owned = scope.move();
  return { connectionString: url.href, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
