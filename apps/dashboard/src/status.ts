import type { EmbedQueues, QueueCounts } from "@reembed/queue";
import {
  type Coverage,
  type Database,
  type LiveWorker,
  readCoverage,
  readLiveWorkers,
  readProfiles,
} from "@reembed/store";

/** How far a profile is, what is queued for it and who works on it: the object that `reembed status --json` prints. */
export interface ProfileStatus extends Coverage {
  profile: string;
  queue: QueueCounts;
  rate: { chunksPerSecond: number; tokensPerSecond: number };
  /** Until nothing is pending at the present rate; null while there is none. */
  etaSeconds: number | null;
  workers: { id: string; host: string; device: string; profile: string; tokensPerSecond: number }[];
}

export async function readStatus(database: Database, queues: EmbedQueues): Promise<ProfileStatus[]> {
  const alive = await readLiveWorkers(database);
  const statuses: ProfileStatus[] = [];
  for (const profile of await readProfiles(database)) {
    const workers = alive.filter((worker) => worker.profile === profile.name);
    const coverage = await readCoverage(database, profile);
    const rate = sumRates(workers);
    statuses.push({
      profile: profile.name,
      ...coverage,
      queue: await queues.of(profile.name).counts(),
      rate,
      etaSeconds: rate.chunksPerSecond > 0 ? Math.round(coverage.pending / rate.chunksPerSecond) : null,
      workers: workers.map(({ id, host, device, tokensPerSecond }) => ({
        id,
        host,
        device,
        profile: profile.name,
        tokensPerSecond,
      })),
    });
  }
  return statuses;
}

function sumRates(workers: readonly LiveWorker[]): ProfileStatus["rate"] {
  const sum = (of: "chunksPerSecond" | "tokensPerSecond") => workers.reduce((total, worker) => total + worker[of], 0);
  return { chunksPerSecond: sum("chunksPerSecond"), tokensPerSecond: sum("tokensPerSecond") };
}
