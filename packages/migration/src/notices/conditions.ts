import { createHash } from "node:crypto";
import {
  formatAmount,
  formatCount,
  formatDuration,
  formatMoment,
  formatShare,
  isUnknownModel,
  type RolloutStage,
} from "@reembed/core";
import type { Condition, NoticeFacts, ProfileFacts } from "@reembed/store/notices";
import { describeRateLimit } from "../backfill/operate-backfill.ts";
import { isSpentBudget } from "../spending/spending-meter.ts";

/** How long a condition lasts before anybody is told. A worker's heartbeats are late after an outage of the database. */
const holdSeconds = { stalled: 600, lost: 40 };
/** Workers report vectors by the minute, and every few seconds. */
const idleAfterMs = 120_000;
/** An exceeded limit is over at this share of it. */
const stillExceeded = 0.9;

export interface NoticeLimits {
  maxQuarantinedShare: number;
  /** The webhook's address. */
  url: string;
}

/**
 * What a person must know, each with the sentence that says it. Pure, so that what is told can be read and tested here. An
 * event stays a condition for as long as its facts name it.
 */
export function findConditions(facts: NoticeFacts, { maxQuarantinedShare, url }: NoticeLimits): Condition[] {
  return [
    connected(facts, url),
    ...facts.breaches.map((breach) => breached(breach, facts)),
    ...facts.profiles.flatMap((profile) => [
      ...backfilled(profile),
      ...quarantineExceeded(profile, facts, maxQuarantinedShare),
      ...budgetSpent(profile, facts),
      ...stalled(profile, facts),
    ]),
    ...lostWorkers(facts),
  ];
}

/** The first notice of an address: whoever sets it up sees that it arrives, and what was before it is not told. */
function connected({ now }: NoticeFacts, url: string): Condition {
  // An address may contain a key, and is stored nowhere.
  const occurrence = createHash("sha256").update(url).digest("base64url");
  return {
    ...{ kind: "webhook.connected", occurrence, profile: null, occurredAt: now, begins: true, holdSeconds: 0 },
    detail: { text: "This address is told from now on what a person must know about the migration." },
  };
}

function breached(event: NoticeFacts["breaches"][number], { candidate }: NoticeFacts): Condition {
  const name = candidate ?? "the candidate";
  const { id, fromStage, fromPercent, reason, changedAt } = event;
  const inShadow: RolloutStage = "shadow";
  const rolledBack = event.toStage !== inShadow;
  const text = rolledBack
    ? `A guardrail has rolled ${name} back, which had answered ${fromPercent} % of the subjects; the baseline answers everybody. ${asSentence(reason)}`
    : `A guardrail warns of ${name}, which is in shadow, so nobody sees its answers. ${asSentence(reason)}`;
  return {
    kind: rolledBack ? "candidate.rolled_back" : "candidate.breached",
    ...{ occurrence: String(id), profile: candidate, occurredAt: changedAt, begins: true, holdSeconds: 0 },
    detail: { text, reason, fromStage, fromPercent },
  };
}

function backfilled({ name, state, completedAt }: ProfileFacts): Condition[] {
  if (completedAt === null) return [];
  const text = `${name} is backfilled: each of its chunks has a vector, or is in quarantine with a reason. \`reembed status\` names the next step.`;
  return [
    {
      ...{ kind: "profile.backfilled", occurrence: `${name} ${completedAt.toISOString()}`, profile: name },
      ...{ occurredAt: completedAt, begins: state === "backfilled", holdSeconds: 0, detail: { text } },
    },
  ];
}

function quarantineExceeded(
  { name, state, quarantined, chunks }: ProfileFacts,
  { now }: NoticeFacts,
  most: number,
): Condition[] {
  if (chunks === 0 || (state !== "backfilling" && state !== "backfilled")) return [];
  const share = quarantined / chunks;
  // A chunk that comes and goes at the limit does not begin it anew each time.
  if (quarantined === 0 || share <= stillExceeded * most) return [];
  const text =
    `${formatShare(share)} of the chunks of ${name} are in quarantine (${formatCount(quarantined)}); ` +
    `MAX_QUARANTINED_SHARE allows ${formatShare(most)}. \`reembed quarantine list --profile ${name}\` shows why.`;
  return [
    {
      ...{ kind: "quarantine.exceeded", occurrence: name, profile: name, occurredAt: now, holdSeconds: 0 },
      ...{ begins: share > most, detail: { text, quarantined, chunks, share } },
    },
  ];
}

/** Told once for each budget: a smaller request that still fits, or a worker that ends, does not begin it anew. */
function budgetSpent({ name, cost, budget }: ProfileFacts, { now, workers }: NoticeFacts): Condition[] {
  if (budget === null || cost === null) return [];
  const refused = workers.some(
    ({ isRunning, profile, waitsFor }) => isRunning && profile === name && isSpentBudget(waitsFor, name),
  );
  const text =
    `The budget of ${name} is spent: ${formatAmount(cost)} of ${formatAmount(budget)}. Nothing is embedded for it until ` +
    `\`reembed backfill start --profile ${name} --budget <amount>\` sets a higher one.`;
  return [
    {
      ...{ kind: "budget.spent", occurrence: `${name} ${budget}`, profile: name, occurredAt: now, holdSeconds: 0 },
      ...{ begins: refused || cost >= budget, detail: { text, cost, budget } },
    },
  ];
}

function stalled(profile: ProfileFacts, facts: NoticeFacts): Condition[] {
  const { name, lastWorkAt } = profile;
  const { now, workers } = facts;
  if (!mayProgress(profile) || budgetSpent(profile, facts).some(({ begins }) => begins)) return [];
  if (lastWorkAt !== null && now.getTime() - lastWorkAt.getTime() < idleAfterMs) return [];
  const running = workers.filter((worker) => worker.isRunning && worker.profile === name);
  const since =
    lastWorkAt === null ? "no vector is stored yet" : `no vector was stored since ${formatMoment(lastWorkAt)}`;
  const [waitsFor] = running.flatMap((worker) => worker.waitsFor ?? []);
  const who =
    running.length === 0
      ? `No worker is running: run \`reembed worker --profile ${name}\`.`
      : waitsFor === undefined
        ? `${countWorkers(running.length)}: see the log.`
        : `${countWorkers(running.length)} and one waits: ${asSentence(waitsFor)}`;
  const text = `The backfill of ${name} stands still for ${formatDuration(holdSeconds.stalled)} or longer: ${since}. ${who}`;
  return [
    {
      ...{ kind: "backfill.stalled", occurrence: name, profile: name, occurredAt: now, begins: true },
      ...{ holdSeconds: holdSeconds.stalled, detail: { text, workers: running.length } },
    },
  ];
}

/** Whether vectors can be expected: it is neither paused nor throttled, other than by a rate, which lets some through. */
function mayProgress({ state, model, paused, throttleReason, backfillRate }: ProfileFacts): boolean {
  if (state !== "backfilling" || paused || isUnknownModel(model)) return false;
  const isSlow = backfillRate !== null && backfillRate * holdSeconds.stalled < 1;
  if (isSlow) return false;
  return throttleReason === null || (backfillRate !== null && throttleReason === describeRateLimit(backfillRate));
}

function lostWorkers({ profiles, workers }: NoticeFacts): Condition[] {
  const isNeeded = (name: string) =>
    profiles.some((one) => one.name === name && (mayProgress(one) || (one.state !== "registered" && one.hasChanges)));
  return workers
    .filter(({ isRunning }) => !isRunning)
    .map(({ id, host, profile, device, seenAt }) => {
      const others = workers.filter((worker) => worker.isRunning && worker.profile === profile).length;
      const text =
        `A worker of ${profile} on ${host} (${device}) is lost: its last sign of life was at ${formatMoment(seenAt)}, and it did ` +
        `not stop by itself. ${others === 0 ? `No other worker of ${profile} is running.` : `${countWorkers(others)}.`}`;
      return {
        ...{ kind: "worker.lost", occurrence: id, profile, occurredAt: seenAt, begins: isNeeded(profile) },
        ...{ holdSeconds: holdSeconds.lost, detail: { text, worker: id, host, device, running: others } },
      };
    });
}

function countWorkers(count: number): string {
  return count === 1 ? "One worker is running" : `${formatCount(count)} workers are running`;
}

function asSentence(text: string): string {
  const [first = "", ...rest] = text.trim();
  return `${first.toUpperCase()}${rest.join("")}`.replace(/[^.!?]$/, "$&.");
}
