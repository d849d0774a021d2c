import type { RegisteredProfile } from "@reembed/store/profiles";
import type { Work } from "@reembed/store/progress";
import { z } from "zod";

/** The estimate of `reembed estimate` next to the actual progress. Values that are not known yet are null. */
export interface Forecast {
  tokensPerChunk: { estimated: number; actual: number | null };
  /** Of all workers together. */
  tokensPerSecond: { estimated: number; actual: number | null };
  /** In ISO 8601. The estimate counts from the start of the work. */
  endsAt: { estimated: string | null; actual: string | null };
}

/** The part of an estimate that is compared with the actual progress. */
const Estimate = z.object({
  at: z.iso.datetime(),
  chunks: z.number().positive(),
  tokens: z.object({ total: z.number() }),
  tokensPerSecond: z.number(),
  workers: z.number(),
  seconds: z.number(),
});

/** @param work The work that was done after the estimate was made. */
export function forecast(
  { estimate: stored }: Pick<RegisteredProfile, "estimate">,
  work: Work | undefined,
  present: { tokensPerSecond: number; etaSeconds: number | null },
  now: Date,
): Forecast | null {
  const { data: estimate } = Estimate.safeParse(stored);
  if (estimate === undefined) return null;
  const after = (start: Date, seconds: number) => new Date(start.getTime() + 1_000 * seconds).toISOString();
  return {
    tokensPerChunk: {
      estimated: Math.round(estimate.tokens.total / estimate.chunks),
      actual: work === undefined || work.chunks === 0 ? null : Math.round(work.tokens / work.chunks),
    },
    tokensPerSecond: {
      estimated: Math.round(estimate.tokensPerSecond * estimate.workers),
      actual: present.tokensPerSecond > 0 ? Math.round(present.tokensPerSecond) : null,
    },
    endsAt: {
      estimated: work === undefined ? null : after(work.since, estimate.seconds),
      actual: present.etaSeconds === null ? null : after(now, present.etaSeconds),
    },
  };
}

/** When the estimate was made; undefined without one. */
export function estimatedAt({ estimate }: Pick<RegisteredProfile, "estimate">): Date | undefined {
  const { data } = Estimate.safeParse(estimate);
  return data && new Date(data.at);
}
