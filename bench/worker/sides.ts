import { setTimeout } from "node:timers/promises";
import type { Embedder } from "@reembed/embedder";
import { startProducer } from "@reembed/producer";
import { EmbedQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { defaultConcurrency, startWorker } from "@reembed/worker";
import type { Servers } from "./servers.ts";

/** The default of the environment. */
export const batchSize = 64;
const producerSettings = { batchSize, maxQueuedJobs: 500, tickMs: 5_000 };
const pollMs = 250;

interface Work {
  seconds: number;
  /** Tokens that went through the model. */
  tokens: number;
}

/** The comparison for a worker: the embedder alone, batch after batch. */
export async function runBare(embedder: Embedder, batches: readonly (readonly string[])[]): Promise<Work> {
  let tokens = 0;
  const startedAt = performance.now();
  for (const texts of batches) {
    for await (const outcomes of embedder.embed(texts, { as: "passage" })) {
      for (const outcome of outcomes) {
        if ("rejected" in outcome) throw new Error(`A chunk was rejected: ${outcome.detail}`);
        tokens += outcome.tokenCount - outcome.truncatedTokens;
      }
    }
  }
  return { seconds: (performance.now() - startedAt) / 1_000, tokens };
}

/** Runs a producer and a worker until the profile is covered; measures from the first batch to the end of the last. */
export async function runWorker(
  { database, queue, lockDurationMs }: Servers,
  profile: RegisteredProfile,
  embedder: Embedder,
): Promise<Work> {
  const log = createLogger("warn");
  await using scope = new AsyncDisposableStack();
  scope.use(await startProducer({ database, queue, ...producerSettings, lockDurationMs, log }));
  const embedQueue = scope.use(new EmbedQueue(queue, profile.name, (error) => log.warn(error.message)));
  const { chunks } = await readCoverage(database, profile);
  const batches = Math.ceil(chunks / batchSize);
  while ((await embedQueue.counts()).waiting < batches) await setTimeout(pollMs);

  scope.use(
    await startWorker({
      database,
      profile,
      embedder,
      queue,
      concurrency: defaultConcurrency(embedder.device),
      lockDurationMs,
      log,
    }),
  );
  for (;;) {
    const jobs = await embedQueue.bullmq.getJobs(["completed"]);
    const { failed } = await embedQueue.counts();
    if (failed > 0) throw new Error(`${failed} batches failed`);
    if (jobs.length < batches) {
      await setTimeout(pollMs);
      continue;
    }
    const { coverage } = await readCoverage(database, profile);
    if (coverage !== 1) throw new Error(`The queue is empty, and the coverage is ${coverage}`);
    const first = Math.min(...jobs.map((job) => job.processedOn ?? Number.NaN));
    const last = Math.max(...jobs.map((job) => job.finishedOn ?? Number.NaN));
    const tokens = jobs.reduce((sum, job) => sum + job.returnvalue.tokens, 0);
    return { seconds: (last - first) / 1_000, tokens };
  }
}
