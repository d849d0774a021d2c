import type { RolloutOverview } from "@reembed/migration/rollout";
import { type ProfileStatus, readStatus, type Stages, type StagesReader } from "@reembed/migration/status";
import type { EmbedQueues, TickQueue } from "@reembed/queue";
import { type Database, schemaOf } from "@reembed/store/database";
import { followDatabaseClock } from "@reembed/store/diagnosis";
import { type OperatorChange, readLastTask, readOperatorChanges, type Task } from "@reembed/store/operators";
import { readProfile } from "@reembed/store/profiles";
import {
  type LiveWorker,
  type MinuteOfWork,
  readLiveWorkers,
  readQuarantineReasons,
  readThroughput,
} from "@reembed/store/progress";
import { type ProducerActivity, readProducerActivity } from "./producer-activity.ts";

const shownChanges = 5;

export interface ProfileOverview {
  status: ProfileStatus;
  reasons: { reason: string; chunks: number }[];
  workers: LiveWorker[];
  /** The last hour by minute. */
  history: MinuteOfWork[];
}

/** Everything that the overview shows, read at the same time. */
export interface Snapshot {
  /** The schema of this installation. */
  schema: string;
  at: Date;
  profiles: ProfileOverview[];
  producer: ProducerActivity;
  /** Undefined before `reembed init`. */
  rollout: RolloutOverview | undefined;
  /** Undefined before `reembed init`, and without another profile to migrate to. */
  stages: Stages | undefined;
  /** The last changes by operators, newest first. */
  changes: OperatorChange[];
  /** What a page has asked a producer for last. */
  task: Task | undefined;
}

export interface SnapshotSources {
  database: Database;
  queues: EmbedQueues;
  ticks: TickQueue;
  readRollout: () => Promise<RolloutOverview | undefined>;
  stages: StagesReader;
}

export async function readSnapshot({
  database,
  queues,
  ticks,
  readRollout,
  stages,
}: SnapshotSources): Promise<Snapshot> {
  // The times of ticks and jobs come from processes that also use the database's clock.
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
    schema: schemaOf(database),
    at: new Date(Date.now()),
    profiles,
    producer: await readProducerActivity(ticks),
    rollout: await readRollout(),
    stages: await stages.read(),
    changes: await readOperatorChanges(database, shownChanges),
    task: await readLastTask(database),
  };
}
