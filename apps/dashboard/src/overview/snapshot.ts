import type { EmbedQueues, TickQueue } from "@reembed/queue";
import {
  type Database,
  followDatabaseClock,
  type LiveWorker,
  type MinuteOfWork,
  readLiveWorkers,
  readProfile,
  readQuarantineReasons,
  readThroughput,
} from "@reembed/store";
import type { RolloutOverview } from "../rollout/rollout-overview.ts";
import { type ProfileStatus, readStatus } from "../status.ts";
import { type ProducerActivity, readProducerActivity } from "./producer-activity.ts";

export interface ProfileOverview {
  status: ProfileStatus;
  reasons: { reason: string; chunks: number }[];
  workers: LiveWorker[];
  /** The last hour, minute by minute. */
  history: MinuteOfWork[];
}

/** All that the overview shows, read at one moment. */
export interface Snapshot {
  at: Date;
  profiles: ProfileOverview[];
  producer: ProducerActivity;
  /** Undefined before `reembed init`. */
  rollout: RolloutOverview | undefined;
}

export interface SnapshotSources {
  database: Database;
  queues: EmbedQueues;
  ticks: TickQueue;
  readRollout: () => Promise<RolloutOverview | undefined>;
}

export async function readSnapshot({ database, queues, ticks, readRollout }: SnapshotSources): Promise<Snapshot> {
  // Ticks and jobs have the times of processes that follow the database's clock too.
  await followDatabaseClock(database);
  const workers = await readLiveWorkers(database);
  const profiles: ProfileOverview[] = [];
  for (const status of await readStatus(database, queues)) {
    profiles.push({
      status,
      reasons: await readQuarantineReasons(database, await readProfile(database, status.profile)),
      workers: workers.filter((worker) => worker.profile === status.profile),
      history: await readThroughput(database, status.profile, 60),
    });
  }
  return {
    at: new Date(Date.now()),
    profiles,
    producer: await readProducerActivity(ticks),
    rollout: await readRollout(),
  };
}
