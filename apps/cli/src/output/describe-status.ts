import { defaultSchema, formatCount, formatDuration, formatRate, formatShare, formatTable } from "@reembed/core";
import { describeUndelivered } from "@reembed/migration/notices";
import {
  describeBacklog,
  describeSpending,
  describeStages,
  describeWaiting,
  describeWaits,
  type ProfileStatus,
  type Stages,
} from "@reembed/migration/status";
import { describeWrongClock } from "@reembed/store/diagnosis";

const header = [
  ...["profile", "state", "chunks", "embedded", "pending", "changes", "quarantined", "coverage"],
  ...["queued", "failed", "workers", "tokens/s", "time left"],
];

/** A table with a line per profile, followed by notes about each. */
export function describeStatuses(
  statuses: readonly ProfileStatus[],
  now: Date,
  {
    tickLimits = null,
    tickMs = 0,
    migration,
    schema = defaultSchema,
  }: { tickLimits?: string | null; tickMs?: number; migration?: Stages | undefined; schema?: string } = {},
): string {
  const rows = statuses.map((status) => [
    status.profile,
    status.paused && status.state !== "backfilled" ? "paused" : status.state,
    ...[status.chunks, status.embedded, status.pending, status.changes, status.quarantined].map(formatCount),
    formatShare(status.coverage),
    formatCount(status.queue.waiting + status.queue.active + status.queue.delayed),
    formatCount(status.queue.failed),
    formatCount(status.workers.length),
    formatRate(status.rate.tokensPerSecond),
    timeLeft(status),
  ]);
  const notes = statuses.flatMap((status) => notesOn(status, now).map((note) => `${status.profile}: ${note}`));
  if (tickLimits !== null) notes.push(`producer: ${tickLimits} No ticks are made.`);
  notes.push(...(statuses[0]?.wrongClocks ?? []).map(describeWrongClock));
  const backlog = statuses[0] && describeBacklog(statuses[0].changeLog, tickMs / 1_000);
  if (backlog) notes.push(`${backlog}. Run \`reembed producer\`.`);
  const undelivered = statuses[0]?.undelivered;
  if (undelivered) notes.push(...describeUndelivered(undelivered));
  const table = formatTable([header, ...rows], 2);
  const heading = schema === defaultSchema ? [] : [`This installation is in the schema ${schema}.`];
  return [...heading, ...(migration === undefined ? [] : [describeMigration(migration, now)]), table, notes.join("\n")]
    .filter((part) => part !== "")
    .join("\n\n");
}

function describeMigration(stages: Stages, now: Date): string {
  const { is, next } = describeStages(stages, now);
  const { command } = stages.next;
  return [is, ...next, ...(command === null ? [] : [`Run \`npx ${command}\`.`])].join("\n");
}

function notesOn(status: ProfileStatus, now: Date): string[] {
  const { state, asIs, next, throttleReason, queueLimits, adoption, forecast, verification, index } = status;
  const spent = describeSpending(status);
  const waiting = state === "backfilled" && !asIs ? describeWaiting(status, status.workers.length) : null;
  return [
    ...(asIs ? ["adopted as it is, without a model: the application keeps and searches its vectors"] : []),
    ...(waiting === null ? [] : [waiting]),
    ...(next === null ? [] : [next]),
    ...(throttleReason === null ? [] : [`throttled: ${throttleReason}`]),
    ...describeWaits(status.workers),
    ...(spent === null ? [] : [spent]),
    ...(queueLimits === null ? [] : [queueLimits]),
    ...(adoption === null ? [] : [adoption]),
    ...(forecast === null ? [] : [describeForecast(forecast, now)]),
    ...(verification === null
      ? []
      : [`${verification.passed ? "verified" : "not proven"} ${localTime(verification.at)}`]),
    ...(index === null ? [] : [describeIndex(index)]),
  ];
}

function describeForecast(
  { tokensPerChunk, tokensPerSecond, endsAt }: NonNullable<ProfileStatus["forecast"]>,
  now: Date,
) {
  const number = (value: number | null) => (value === null ? "?" : formatCount(value));
  const time = (value: string | null) => (value === null ? "?" : localTime(value, now));
  const told = (of: "estimated" | "actual") =>
    `${number(tokensPerChunk[of])} tokens/chunk, ${number(tokensPerSecond[of])} tokens/s, end ${time(endsAt[of])}`;
  return `estimate ${told("estimated")}; now ${told("actual")}`;
}

function describeIndex({ kind, valid, building, recall10 }: NonNullable<ProfileStatus["index"]>): string {
  if (building !== null) {
    const share = building.share === null ? "" : `, ${formatShare(building.share)}`;
    return `index being built: ${building.phase}${share}`;
  }
  if (!valid) return `${kind} index not valid: its build was interrupted`;
  return `${kind} index${recall10 === null ? ", not measured" : `, recall@10 ${(Math.floor(1_000 * recall10) / 1_000).toFixed(3)}`}`;
}

/** `2025-11-22 14:05`; only the time if it is today. */
function localTime(iso: string, now?: Date): string {
  const date = new Date(iso);
  const pad = (number: number) => String(number).padStart(2, "0");
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (now?.toDateString() === date.toDateString()) return time;
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${time}`;
}

function timeLeft({ pending, etaSeconds }: ProfileStatus): string {
  if (pending === 0) return "none";
  return etaSeconds === null ? "unknown" : formatDuration(etaSeconds);
}
