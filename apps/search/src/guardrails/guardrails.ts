import { type GuardrailSettings, messageOf, type Rollout } from "@reembed/core";
import { type Logger, type Metrics, repeatEvery } from "@reembed/runtime";
import { type Database, readRollout } from "@reembed/store";
import { checkGuardrails } from "./check-guardrails.ts";

/** A look costs the database 0.2 s at 50,000 searches in the window; and every search process looks. */
const intervalMs = 10_000;

export interface GuardrailsOptions {
  database: Database;
  settings: GuardrailSettings;
  log: Logger;
  metrics: Metrics;
}

/** Watches the candidate while it answers. Every search process does: of several that find it worse, one rolls back. */
export function startGuardrails({ database, settings, log, metrics }: GuardrailsOptions): AsyncDisposable {
  const look = async () => {
    const rollout = await readRollout(database);
    gaugeRollout(metrics, rollout);
    const finding = await checkGuardrails(database, rollout, settings);
    if (finding === undefined) return;
    const { outcome, breaches, reason } = finding;
    for (const { measure } of breaches) metrics.guardrailBreaches.inc({ measure, outcome });
    if (outcome === "rolled back") gaugeRollout(metrics, { ...rollout, percent: 0 });
    log.error({ candidate: rollout.candidate, outcome, reason }, "guardrail breached");
  };
  return repeatEvery(intervalMs, look, (error) =>
    log.warn({ error: messageOf(error) }, "guardrails could not be looked at"),
  );
}

function gaugeRollout({ rolloutPercent }: Metrics, { baseline, candidate, percent }: Rollout): void {
  rolloutPercent.reset();
  rolloutPercent.set({ profile: baseline }, 100 - percent);
  rolloutPercent.set({ profile: candidate }, percent);
}
