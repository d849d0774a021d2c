import { setTimeout } from "node:timers/promises";
import { activeProfiles, type Config } from "@reembed/config";
import { modelKey, type Profile, ReembedError } from "@reembed/core";
import { type Embedder, keepOpen } from "@reembed/embedder";
import { followSettings } from "@reembed/migration/settings";
import { startProducer } from "@reembed/producer";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { type Coverage, readCoverage } from "@reembed/store/progress";
import { defaultConcurrency, startWorker } from "@reembed/worker";
import type { Services } from "../hosting/services.ts";
import { progressBars } from "../output/progress-bars.ts";

const pollMs = 150;
const patienceMs = 120_000;

export type CoveredProfile = Coverage & { profile: Profile };

/** Starts one producer, and one worker per profile. */
export async function startFleet(
  config: Config,
  { database, queue }: Services,
  embedders: ReadonlyMap<string, Embedder>,
  { log, scope }: { log: Logger; scope: AsyncDisposableStack },
): Promise<void> {
  const { lockDurationMs } = config.worker;
  for (const { name, model } of activeProfiles(config)) {
    const shared = embedders.get(modelKey(model.id, model.revision));
    if (shared === undefined) throw new TypeError(`There is no embedder of ${model.id}`);
    const profile = await readProfile(database, name);
    const embedder = keepOpen(shared);
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

/** Waits, with progress bars, until no chunk of the profiles is pending. */
export async function untilCovered(database: Database, profiles: readonly Profile[]): Promise<CoveredProfile[]> {
  using bars = progressBars();
  const shown = profiles.map((profile) => ({ profile, bar: bars.add(profile.name, "chunks") }));
  let leastPending = Number.POSITIVE_INFINITY;
  let progressAt = performance.now();
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
    if (performance.now() - progressAt > patienceMs) throw stuck(pending);
    await setTimeout(pollMs);
  }
}

function stuck(pending: number): ReembedError {
  return new ReembedError("demo_stuck", `No chunk was embedded for ${patienceMs / 1_000} s; ${pending} are pending.`, {
    remedy: "Run the demo again with LOG_LEVEL=info to see what happens.",
  });
}
