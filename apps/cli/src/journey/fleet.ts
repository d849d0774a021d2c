import { setTimeout } from "node:timers/promises";
import { activeProfiles } from "@reembed/config";
import { formatDuration, type Profile, ReembedError } from "@reembed/core";
import { keepOpen } from "@reembed/embedder";
import { startOrAdjustBackfill } from "@reembed/migration/backfill";
import { followSettings } from "@reembed/migration/settings";
import { isSpentBudget } from "@reembed/migration/spending";
import { startProducer } from "@reembed/producer";
import { EmbedQueues } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { type Coverage, readCoverage, readLiveWorkers } from "@reembed/store/progress";
import { defaultConcurrency, startWorker } from "@reembed/worker";
import type { Services } from "../hosting/services.ts";
import { progressBars } from "../output/progress-bars.ts";
import type { Embedders } from "./embedders.ts";

const pollMs = 150;
/** Whoever waits for longer waits for an operator. */
const operatorMs = 60_000;

export type CoveredProfile = Coverage & { profile: Profile };

type Served = Pick<Services, "config" | "database" | "queue">;

/** Starts one producer, and one worker for each profile that has a model. */
export async function startFleet(
  { config, database, queue }: Served,
  embedders: Embedders,
  { log, scope }: { log: Logger; scope: AsyncDisposableStack },
): Promise<void> {
  const { lockDurationMs } = config.worker;
  for (const { name, model } of activeProfiles(config)) {
    if (model.unknown) continue;
    const profile = await readProfile(database, name);
    const embedder = keepOpen(embedders.of(model));
    scope.use(
      await startWorker({
        database,
        profile,
        embedder,
        queue,
        concurrency: followSettings(
          database,
          config,
          ({ worker }) => worker.concurrency ?? defaultConcurrency(embedder.device),
        ),
        lockDurationMs,
        log,
      }),
    );
  }
  const readSettings = followSettings(database, config, ({ producer }) => producer);
  scope.use(await startProducer({ database, queue, ...config.producer, readSettings, lockDurationMs, log }));
}

/** The backfill of an adopted corpus' candidate waits until it is started. */
export async function beginBackfill({ config, database, queue }: Served, by: string): Promise<void> {
  const profile = await readProfile(database, config.candidate.name);
  if (profile.state !== "registered") return;
  await using queues = new EmbedQueues(queue, () => {});
  const on = { database, queue: queues.of(profile.name), dryRun: false };
  await startOrAdjustBackfill(on, profile, { order: "id", until: null, rate: null }, { by, reason: "" });
}

interface WaitOptions {
  /** How long nothing may be embedded. */
  patienceMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Waits, with progress bars, until no chunk of the profiles is pending.
 * @throws ReembedError `fleet_stuck`, and `fleet_waits` if a worker waits for an operator.
 */
export async function untilCovered(
  database: Database,
  profiles: readonly Profile[],
  { patienceMs, signal }: WaitOptions,
): Promise<CoveredProfile[]> {
  using bars = progressBars();
  const shown = profiles.map((profile) => ({ profile, bar: bars.add(profile.name, "chunks") }));
  let leastPending = Number.POSITIVE_INFINITY;
  let progressAt = performance.now();
  let waiting: Waiting = new Map();
  for (;;) {
    const covered: CoveredProfile[] = [];
    for (const { profile, bar } of shown) {
      const coverage = await readCoverage(database, await readProfile(database, profile.name));
      bar.update(coverage.chunks - coverage.pending, coverage.chunks);
      covered.push({ ...coverage, profile });
    }
    const pending = covered.reduce((total, { pending }) => total + pending, 0);
    if (pending === 0) return covered;
    if (pending < leastPending) progressAt = performance.now();
    leastPending = Math.min(leastPending, pending);
    if (performance.now() - progressAt > patienceMs) throw stuck(pending, patienceMs);
    waiting = await refuseWaiting(database, waiting);
    await setTimeout(pollMs, undefined, { signal });
  }
}

/** Since when a worker waits, by its id. */
type Waiting = ReadonlyMap<string, number>;

/** A server that is away for a moment comes back; a key that was refused does not, nor does a budget that is spent. */
async function refuseWaiting(database: Database, before: Waiting): Promise<Waiting> {
  const now = performance.now();
  const waiting = new Map<string, number>();
  for (const { id, profile, waitsFor } of await readLiveWorkers(database)) {
    if (waitsFor === null) continue;
    const since = before.get(id) ?? now;
    waiting.set(id, since);
    if (isSpentBudget(waitsFor, profile) || now - since > operatorMs) {
      throw new ReembedError("fleet_waits", `The worker of ${profile} waits: ${waitsFor}`);
    }
  }
  return waiting;
}

function stuck(pending: number, patienceMs: number): ReembedError {
  const waited = formatDuration(patienceMs / 1_000);
  return new ReembedError("fleet_stuck", `No chunk was embedded for ${waited}; ${pending} are pending.`, {
    remedy: "Run this again with LOG_LEVEL=info to see what happens.",
  });
}
