import { type GuardrailSettings, guardedMeasures, messageOf, type Rollout } from "@reembed/core";
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
    const finding = await checkGuardrails(database, rollout, await presentValue(settings));
    if (finding === undefined) return;
    const { outcome, breaches, reason } = finding;
    for (const { measure } of breaches) metrics.guardrailBreaches.inc({ measure, outcome });
    if (outcome === "rolled back") gaugeRollout(metrics, { ...rollout, percent: 0 });
    log.error({ candidate: rollout.candidate, outcome, reason }, "guardrail breached");
  };
  return repeatEvery(intervalMs, look, (error) =>
    log.warn({ error: messageOf(error) }, "guardrails could not be checked"),
  );
}

function gaugeRollout({ rolloutPercent }: Metrics, { baseline, candidate, percent }: Rollout): void {
  rolloutPercent.reset();
  rolloutPercent.set({ profile: baseline }, 100 - percent);
  rolloutPercent.set({ profile: candidate }, percent);
}
