import { TickQueue } from "@reembed/queue";
import { repeatEvery } from "@reembed/runtime";
import { type Database, readIdentity } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { Redis } from "ioredis";
import { median, roundTo } from "../embed/figures.ts";
import type { ProducerProcess, Servers } from "./processes.ts";

const lookMs = 500;

/** Peak use while this many chunks had been enqueued: the first hundredth, and each tenth. */
interface Footprint {
  enqueuedAtMost: number;
  producerMiB: number;
  redisMiB: number;
}

export interface WatchFigures {
  footprints: Footprint[];
  /** Median milliseconds of a tick that enqueued something, in the first and in the last quarter. */
  tickMs: { first: number; last: number };
}

interface Look {
  enqueued: number;
  producerMiB: number;
  redisMiB: number;
}

/** Samples the producer's and Redis's memory and the duration of ticks twice a second. */
export async function startWatch(
  database: Database,
  { redisUrl }: Servers,
  { profile, producer }: { profile: string; producer: ProducerProcess },
): Promise<AsyncDisposable & { summarize(chunks: number): WatchFigures }> {
  const scope = new AsyncDisposableStack();
  const redis = new Redis(redisUrl);
  scope.defer(() => void redis.disconnect());
  const ticks = scope.use(
    new TickQueue({ kind: "redis", url: redisUrl, prefix: await readIdentity(database) }, () => {}),
  );
  const looks: Look[] = [];
  const tickMs = new Map<string, { enqueued: number; tookMs: number }>();
  const look = async () => {
    const { backfillCursor: enqueued } = await readProfile(database, profile);
    const info = await redis.info("memory");
    const redisMiB = Number(/^used_memory:(\d+)/m.exec(info)?.[1]) / 2 ** 20;
    looks.push({ enqueued, producerMiB: producer.memoryMiB(), redisMiB });
    for (const { id = "", processedOn = 0, finishedOn = 0, returnvalue } of await ticks.bullmq.getJobs(
      ["completed"],
      0,
      3,
    )) {
      const reports = (returnvalue ?? []) as { backfill: number }[];
      if (reports.some(({ backfill }) => backfill > 0)) tickMs.set(id, { enqueued, tookMs: finishedOn - processedOn });
    }
  };
  scope.use(
    repeatEvery(lookMs, look, (error) => {
      throw error;
    }),
  );
  return {
    summarize: (chunks) => ({
      footprints: footprintsOf(looks, chunks),
      tickMs: quartersOf([...tickMs.values()], chunks),
    }),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function footprintsOf(looks: readonly Look[], chunks: number): Footprint[] {
  const bounds = [chunks / 100, ...Array.from({ length: 10 }, (_, tenth) => ((tenth + 1) * chunks) / 10)];
  return bounds.flatMap((enqueuedAtMost, index) => {
    const within = looks.filter(({ enqueued }) => enqueued <= enqueuedAtMost && enqueued > (bounds[index - 1] ?? 0));
    if (within.length === 0) return [];
    const most = (of: "producerMiB" | "redisMiB") => roundTo(Math.max(...within.map((look) => look[of])), 1);
    return [{ enqueuedAtMost, producerMiB: most("producerMiB"), redisMiB: most("redisMiB") }];
  });
}

function quartersOf(ticks: readonly { enqueued: number; tookMs: number }[], chunks: number): WatchFigures["tickMs"] {
  const medianOf = (within: (share: number) => boolean) =>
    roundTo(median(ticks.filter(({ enqueued }) => within(enqueued / chunks)).map(({ tookMs }) => tookMs)), 1);
  return { first: medianOf((share) => share <= 0.25), last: medianOf((share) => share > 0.75) };
}
