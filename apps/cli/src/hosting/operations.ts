import type { Config } from "@reembed/config";
import { type OperationsOptions, startOperations } from "@reembed/http";
import { describeRateLimit } from "@reembed/migration/backfill";
import type { EvaluationReport } from "@reembed/migration/evaluate";
import { type ProfileStatus, readStatus } from "@reembed/migration/status";
import { EmbedQueues, TickQueue } from "@reembed/queue";
import { type Logger, type Metrics, rememberFor } from "@reembed/runtime";
import { pingDatabase } from "@reembed/store/database";
import { type Evaluation, lastEvaluation } from "@reembed/store/evaluation";
import { findRollout } from "@reembed/store/rollout";
import type { Spending } from "@reembed/store/spending";
import type { Services } from "./services.ts";

const scrapeMs = 5_000;

/**
 * Serves this process's health and metrics on `OPERATIONS_PORT`, if it is set. Ready means that the database answers and
 * the queue accepts writes, in addition to the process's own checks.
 */
export async function serveOperations(
  { operationsPort }: Pick<Config, "operationsPort">,
  { database, queue }: Services,
  options: Pick<OperationsOptions, "metrics" | "beforeScrape"> & { checks?: OperationsOptions["checks"]; log: Logger },
  scope: AsyncDisposableStack,
): Promise<void> {
  if (operationsPort === undefined) return;
  const ticks = scope.use(new TickQueue(queue, () => {}));
  const checks = { database: () => pingDatabase(database), queue: () => ticks.checkWritable(), ...options.checks };
  const { port } = scope.use(await startOperations({ ...options, port: operationsPort, checks }));
  options.log.info({ port }, "health and metrics ready");
}

/** Sets the gauges of every profile and of the last evaluation at each scrape, for a process that has access to all of them. */
export function gaugeProfiles({ database, queue }: Services, metrics: Metrics, scope: AsyncDisposableStack) {
  const queues = scope.use(new EmbedQueues(queue, () => {}));
  // The status of all profiles takes the database some statements, and anybody who reaches the port may request it.
  return rememberFor(scrapeMs, async (): Promise<void> => {
    for (const { profile, ...status } of await readStatus(database, queues)) {
      metrics.coverage.set({ profile }, status.coverage);
      metrics.pendingChunks.set({ profile }, status.pending);
      metrics.quarantinedChunks.set({ profile }, status.quarantined);
      metrics.oldestChange.set({ profile }, status.oldestChangeSeconds ?? 0);
      metrics.held.set({ profile }, Number(isHeld(status)));
      for (const [state, jobs] of Object.entries(status.queue)) metrics.queueJobs.set({ profile, state }, jobs);
      gaugeSpending(profile, status.spending, metrics);
    }
    const rollout = await findRollout(database);
    gaugeEvaluation(rollout && (await lastEvaluation(database, rollout)), metrics);
  });
}

/** Whether it is no fault if nothing of a backfill is embedded. A rate lets some through. */
function isHeld({ paused, asIs, throttleReason, backfill: { rate } }: Omit<ProfileStatus, "profile">): boolean {
  const isOnlyRated = rate !== null && throttleReason === describeRateLimit(rate);
  return paused || asIs || (throttleReason !== null && !isOnlyRated);
}

/** A profile that no server has embedded for, and without a budget, has none of these values. */
function gaugeSpending(profile: string, spending: Spending | null, { sentTokens, cost, costBudget }: Metrics): void {
  if (spending !== null) {
    sentTokens.set({ profile }, spending.sentTokens);
    cost.set({ profile }, spending.cost);
  }
  if (spending?.budget == null) costBudget.remove({ profile });
  else costBudget.set({ profile }, spending.budget);
}

/** Without an evaluation of the present two profiles there is no value. */
function gaugeEvaluation(
  evaluation: Evaluation | undefined,
  { evaluationRatio, evaluationOverlap, evaluationVerdict, evaluatedAt }: Metrics,
): void {
  for (const gauge of [evaluationRatio, evaluationOverlap, evaluationVerdict, evaluatedAt]) gauge.reset();
  if (evaluation === undefined) return;
  const { baseline, candidate, verdict, evaluatedAt: at } = evaluation;
  const { quality, agreement } = evaluation.report as Partial<EvaluationReport>;
  for (const [profile, measures] of [
    [baseline, quality?.baseline],
    [candidate, quality?.candidate],
  ] as const) {
    for (const [measure, { mean }] of Object.entries(measures ?? {})) evaluationRatio.set({ profile, measure }, mean);
  }
  if (agreement != null) evaluationOverlap.set({ profile: candidate }, agreement.overlap10.mean);
  evaluationVerdict.set({ profile: candidate, verdict }, 1);
  evaluatedAt.set({ profile: candidate }, at.getTime() / 1_000);
}
