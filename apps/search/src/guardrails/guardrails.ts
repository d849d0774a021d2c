import {
  type GuardFigure,
  type GuardrailSettings,
  guardedMeasures,
  messageOf,
  type Rollout,
  rolledBack,
} from "@reembed/core";
import { type Followed, type Logger, type Metrics, presentValue, repeatEvery } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readRollout } from "@reembed/store/rollout";
import { checkGuardrails } from "./check-guardrails.ts";

/** One check takes the database 0.2 s with 50,000 searches in the window, and every search process checks. */
const intervalMs = 10_000;

export interface GuardrailsOptions {
  database: Database;
  settings: Followed<GuardrailSettings>;
  log: Logger;
  metrics: Metrics;
}

/** Checks the candidate while it answers, in every search process; if several find a breach, one of them rolls back. */
export function startGuardrails({ database, settings, log, metrics }: GuardrailsOptions): AsyncDisposable {
  // Prometheus sees no increase from nothing to 1.
  for (const measure of guardedMeasures) {
    for (const outcome of ["rolled back", "warned"]) metrics.guardrailBreaches.inc({ measure, outcome }, 0);
  }
  const look = async () => {
    const rollout = await readRollout(database);
    gaugeRollout(metrics, rollout);
    const { figures, finding } = await checkGuardrails(database, rollout, await presentValue(settings));
    gaugeFigures(metrics, figures);
    if (finding === undefined) return;
    const { outcome, breaches, reason } = finding;
    for (const { measure } of breaches) metrics.guardrailBreaches.inc({ measure, outcome });
    if (outcome === "rolled back") gaugeRollout(metrics, rolledBack(rollout));
    log.error({ candidate: rollout.candidate, outcome, reason }, "guardrail breached");
  };
  return repeatEvery(intervalMs, look, (error) =>
    log.warn({ error: messageOf(error) }, "guardrails could not be checked"),
  );
}

function gaugeRollout({ rolloutPercent, shadowPercent }: Metrics, { baseline, candidate, ...rollout }: Rollout): void {
  rolloutPercent.reset();
  rolloutPercent.set({ profile: baseline }, 100 - rollout.percent);
  rolloutPercent.set({ profile: candidate }, rollout.percent);
  shadowPercent.set(rollout.shadowPercent);
}

/** Without enough searches in the window a measure has no value, and not its last one. */
function gaugeFigures({ guardrailRatio, guardrailSeconds }: Metrics, figures: readonly GuardFigure[]): void {
  guardrailRatio.reset();
  guardrailSeconds.reset();
  for (const { measure, value, low, allowed } of figures) {
    for (const [figure, amount] of Object.entries({ measured: value, certain: low, allowed })) {
      if (measure === "latency") guardrailSeconds.set({ figure }, amount / 1_000);
      else guardrailRatio.set({ measure, figure }, amount);
    }
  }
}
