import { formatBytes, formatCount, ReembedError, type Rollout } from "@reembed/core";
import { EmbedQueue, type QueueServer } from "@reembed/queue";
import type { Database } from "@reembed/store/database";
import { readDatabaseTime } from "@reembed/store/diagnosis";
import { readProfile } from "@reembed/store/profiles";
import {
  type Removal,
  readRemoval,
  readRollout,
  readStageEntry,
  removeRetired,
  retireBaseline,
} from "@reembed/store/rollout";
import { lastVerification } from "@reembed/store/verification";
import { describeVerification } from "../rollout/objections.ts";

export interface FinalizeServices {
  database: Database;
  queue: QueueServer;
  /** The database prints what would change it; the queue is left alone. */
  dryRun: boolean;
}

export interface FinalizeOptions {
  /** Days for which the candidate must have answered everybody. */
  keepDays: number;
  by: string;
  /** Called with a description before anything is removed. If it returns false, nothing changes. */
  confirm: (question: string) => Promise<boolean>;
}

const dayMs = 86_400_000;

/**
 * Retires the baseline, after which there is no way back. It can be killed at any point and repeated, with the same result.
 * Returns nothing if it was not confirmed.
 * @throws ReembedError `not_final` (exit code 3) that lists all objections.
 */
export async function finalize(
  { database, queue, dryRun }: FinalizeServices,
  { keepDays, by, confirm }: FinalizeOptions,
): Promise<Rollout | undefined> {
  const rollout = await readRollout(database);
  const baseline = await readProfile(database, rollout.baseline);
  if (baseline.state !== "retired") {
    const objections = await findReasonsToWait(database, rollout, keepDays);
    if (objections.length > 0) throw notFinal(rollout, objections);
    if (!(await confirm(describeRemoval(rollout, await readRemoval(database, baseline))))) return undefined;
    await retireBaseline(database, rollout, { by, reason: `finalized: ${baseline.name} is retired` });
  }
  await removeRetired(database, baseline);
  if (!dryRun) await removeQueue(queue, baseline.name);
  return rollout;
}

function describeRemoval({ baseline, candidate }: Rollout, { vectors, bytes, chunks, exposure }: Removal): string {
  const parts = [
    `${formatCount(vectors)} vectors of ${baseline} with their indexes (${formatBytes(bytes)})`,
    ...(chunks > 0 ? [`the ${formatCount(chunks)} chunks that only ${baseline} reads`] : []),
    ...(exposure === null ? [] : [`the schema ${exposure}, in which an application reads its vectors`]),
    `its view, its quarantine and its queue`,
  ];
  return `This removes ${parts.join(", ")}. There is no way back from ${candidate} afterwards.`;
}

/** Batches that a worker is still processing fail, because their table no longer exists. */
async function removeQueue(server: QueueServer, profile: string): Promise<void> {
  await using queue = new EmbedQueue(server, profile, () => {});
  await queue.bullmq.obliterate({ force: true });
}

/** Why the candidate's serving everybody is not final yet; empty if nothing stands against it. */
export async function findReasonsToWait(database: Database, rollout: Rollout, keepDays: number): Promise<string[]> {
  const { baseline, candidate, stage, percent } = rollout;
  if (baseline === candidate) return [`${baseline} is both baseline and candidate.`];
  const objections: string[] = [];
  const entry = await readStageEntry(database);
  // The database's clock, because this host's may be days ahead, and what is removed too early cannot be restored.
  const now = await readDatabaseTime(database);
  if (stage !== "full") {
    objections.push(`${candidate} answers ${percent} % of subjects; it must be 100 %.`);
  } else if (entry !== undefined && now.getTime() - entry.changedAt.getTime() < keepDays * dayMs) {
    const until = new Date(entry.changedAt.getTime() + keepDays * dayMs).toISOString();
    objections.push(
      `${baseline} is kept until ${until}, ${keepDays} days after ${candidate} began to answer everybody (--keep-days).`,
    );
  }
  const verification = await lastVerification(database, await readProfile(database, candidate));
  const unverified = describeVerification({ profile: candidate, verification: verification ?? null });
  if (unverified !== null) objections.push(unverified);
  return objections;
}

function notFinal({ baseline }: Rollout, objections: readonly string[]): ReembedError {
  const list = objections.map((objection) => `\n  - ${objection}`).join("");
  return new ReembedError("not_final", `${baseline} cannot be retired yet:${list}`, { exitCode: 3 });
}
