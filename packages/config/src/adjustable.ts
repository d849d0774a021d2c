import type { Settings } from "./config.ts";
import { Environment } from "./environment.ts";

/** The variables that `reembed set` changes while processes run. */
export const adjustableNames = [
  ...["BATCH_SIZE", "MAX_QUEUED_JOBS"],
  ...["MAX_REPLICATION_LAG_SECONDS", "MAX_ACTIVE_SESSIONS", "MAX_SEARCH_P95_MS"],
  "WORKER_CONCURRENCY",
  ...["GUARDRAIL_WINDOW_SECONDS", "GUARDRAIL_LEAST_SEARCHES"],
  ...["GUARDRAIL_ERROR_MARGIN", "GUARDRAIL_EMPTY_MARGIN", "GUARDRAIL_NEGATIVE_MARGIN"],
  ...["GUARDRAIL_P95_RATIO", "GUARDRAIL_P95_MARGIN_MS"],
] as const;
export type AdjustableName = (typeof adjustableNames)[number];

/** The values that were set; a name that is missing has the value of each process's own environment. */
export type SetValues = Partial<Record<AdjustableName, number>>;

/** A variable as this environment has it. */
export interface Adjustable {
  name: AdjustableName;
  /** Null if it is unset and has no default. */
  value: number | null;
  origin: "environment" | "default";
  /** Such as `a whole number from 1 to 1000`. */
  range: string;
}

/** The adjustable variables in this environment, which `loadConfig` has accepted. */
export function readAdjustable(variables: NodeJS.ProcessEnv): Adjustable[] {
  return adjustableNames.map((name) => {
    const given = variables[name]?.trim() || undefined;
    const value = Environment.shape[name].parse(given) ?? null;
    return { name, value, origin: given === undefined ? "default" : "environment", range: rangeOf(name) };
  });
}

/** The value that a text means for a variable; undefined if it is out of range. */
export function parseAdjustable(name: AdjustableName, text: string): number | undefined {
  return text.trim() === "" ? undefined : Environment.shape[name].safeParse(text).data;
}

/** These settings with the values that were set meanwhile. */
export function withSetValues<Given extends Settings>(settings: Given, set: SetValues): Given {
  const { producer, worker, guardrails } = settings;
  const { loadBounds } = producer;
  return {
    ...settings,
    producer: {
      ...producer,
      batchSize: set.BATCH_SIZE ?? producer.batchSize,
      maxQueuedJobs: set.MAX_QUEUED_JOBS ?? producer.maxQueuedJobs,
      loadBounds: {
        replicationLagSeconds: set.MAX_REPLICATION_LAG_SECONDS ?? loadBounds.replicationLagSeconds,
        activeSessions: set.MAX_ACTIVE_SESSIONS ?? loadBounds.activeSessions,
        searchP95Ms: set.MAX_SEARCH_P95_MS ?? loadBounds.searchP95Ms,
      },
    },
    worker: { ...worker, concurrency: set.WORKER_CONCURRENCY ?? worker.concurrency },
    guardrails: {
      windowSeconds: set.GUARDRAIL_WINDOW_SECONDS ?? guardrails.windowSeconds,
      leastSearches: set.GUARDRAIL_LEAST_SEARCHES ?? guardrails.leastSearches,
      errorMargin: set.GUARDRAIL_ERROR_MARGIN ?? guardrails.errorMargin,
      emptyMargin: set.GUARDRAIL_EMPTY_MARGIN ?? guardrails.emptyMargin,
      negativeMargin: set.GUARDRAIL_NEGATIVE_MARGIN ?? guardrails.negativeMargin,
      p95Ratio: set.GUARDRAIL_P95_RATIO ?? guardrails.p95Ratio,
      p95MarginMs: set.GUARDRAIL_P95_MARGIN_MS ?? guardrails.p95MarginMs,
    },
  };
}

/** The sentence of a refusal says the range: `must be a whole number from 1 to 1000`. */
function rangeOf(name: AdjustableName): string {
  const { error } = Environment.shape[name].safeParse("no number");
  return (error?.issues[0]?.message ?? "").replace(/^must be /, "");
}
