import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { messageOf } from "@reembed/core";
import { markComplete, prepareDataFolder } from "./data-folder.ts";
import { type DatabaseMessage, toFailure } from "./database-messages.ts";
import { explainEnd, explainOpening } from "./failures.ts";
import { lockFolder } from "./folder-lock.ts";
import { SharedSession } from "./shared-session.ts";

const folder = process.argv[2] ?? "";
const pid = process.ppid;
/** The message with which Postgres ended. */
let complaint: string | undefined;
const settings = [
  // BullMQ expects its schema in the search path, and a connection cannot have settings of its own.
  "search_path=public,bullmq",
  // With Postgres' default of 2 MB, V8's stack overflows first: 300 nested calls returned neither rows nor an error.
  "max_stack_depth=200kB",
  // The size of the log that is kept after a checkpoint, small enough for a laptop's disk.
  "max_wal_size=128MB",
];

// Ctrl-C reaches the whole process group. The child ignores it: its parent drains first and then tells it to close.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
const dismissal = new AbortController();
process.once("message", () => dismissal.abort());
process.once("disconnect", () => dismissal.abort());

try {
  await serve(dismissal.signal);
} catch (error) {
  await tell({ kind: "failed", failure: toFailure(explainOpening(error, folder, complaint)) });
  process.exitCode = 1;
}
if (process.connected) process.disconnect();

async function serve(signal: AbortSignal): Promise<void> {
  await using scope = new AsyncDisposableStack();
  mkdirSync(folder, { recursive: true });
  const lock = scope.use(await lockFolder(folder, { owner: { pid }, signal }));
  const session = await openSession(prepareDataFolder(folder));
  scope.defer(() => session.close());
  markComplete(folder);
  const server = new PGLiteSocketServer({ db: session, host: "127.0.0.1", port: 0, maxConnections: 200 });
  await server.start();
  scope.defer(() => server.stop());
  const connectionString = `postgresql://postgres@${server.getServerConn()}/postgres`;
  lock.name({ pid, connectionString });
  scope.defer(() => lock.unname());
  await tell({ kind: "ready", connectionString });
  if (!signal.aborted) await once(signal, "abort");
}

async function openSession(dataDir: string): Promise<SharedSession> {
  const session = new SharedSession({
    dataDir,
    extensions: { vector },
    startParams: [...PGlite.defaultStartParams, ...settings.flatMap((setting) => ["-c", setting])],
    onStderr: noteComplaint,
  });
  await session.waitReady;
  await session.exec("CREATE EXTENSION IF NOT EXISTS vector");
  session.broken.then(leave);
  return session;
}

/** After Postgres has ended, it cannot be closed. The next start recovers it from its log. */
async function leave(reason: unknown): Promise<void> {
  await tell({ kind: "failed", failure: toFailure(explainEnd(folder, complaint ?? messageOf(reason), reason)) });
  process.exit(1);
}

function noteComplaint(line: string): boolean {
  const [fatal] = /(?:FATAL|PANIC): .*|^postgres: .*/.exec(line) ?? [];
  const [detail] = /DETAIL: .*/.exec(line) ?? [];
  if (fatal !== undefined) complaint = fatal;
  else if (complaint !== undefined && detail !== undefined) complaint = `${complaint} ${detail}`;
  return false;
}

/** Sends nothing if the parent has ended. */
function tell(message: DatabaseMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}
