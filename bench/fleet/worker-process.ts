import type { QueueServer } from "@reembed/queue";
import { createLogger, createMetrics, untilSignal } from "@reembed/runtime";
import { openDatabase, readIdentity } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { startWorker, WorkerMetrics } from "@reembed/worker";
import { fleetProfiles } from "./corpus.ts";
import { NullEmbedder } from "./null-embedder.ts";

// A worker as `reembed worker` starts it, except that its embedder has no model. Reports to its parent what it has embedded.
const [connectionString = "", redisUrl = ""] = process.argv.slice(2);
const reportMs = 100;

await using scope = new AsyncDisposableStack();
const stopped = untilSignal("SIGTERM");
const database = openDatabase({ connectionString });
scope.defer(() => database.$client.end());
const { fleet } = fleetProfiles();
const profile = await readProfile(database, fleet.name);
const registered = createMetrics();
const queue: QueueServer = { kind: "redis", url: redisUrl, prefix: await readIdentity(database) };
const options = { database, profile, queue, concurrency: 2, lockDurationMs: 8_000 };
scope.use(
  await startWorker({
    ...options,
    embedder: new NullEmbedder(fleet.model),
    log: createLogger("warn"),
    metrics: new WorkerMetrics(registered, profile.name),
  }),
);
const timer = setInterval(async () => {
  const { values } = await registered.chunks.get();
  process.send?.({ done: values.find(({ labels }) => labels.outcome === "embedded")?.value ?? 0 });
}, reportMs);
await stopped;
clearInterval(timer);
process.disconnect?.();
