import { setTimeout } from "node:timers/promises";
import type { Config } from "@reembed/config";
import { modelKey } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { setPercent, setShadowPercent } from "@reembed/migration/rollout";
import { followSettings } from "@reembed/migration/settings";
import type { JudgedQuery } from "@reembed/retrieval/measures";
import { createLogger, createMetrics } from "@reembed/runtime";
import { type SearchApp, startSearch } from "@reembed/search";
import { guardrailName, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import type { Services } from "../hosting/services.ts";
import { breakable } from "./demo-embedders.ts";
import { say } from "./say.ts";
import { describeAnswered, Traffic } from "./traffic.ts";

/** The candidate's share of subjects, and the number of searches at that share. */
const steps = [
  { percent: 10, searches: 250 },
  { percent: 50, searches: 60 },
  { percent: 100, searches: 60 },
] as const;
const shadowSearches = 40;
/** Within this time every search process follows a change. */
const followedMs = 1_000;
const by = "demo";
/** Guardrails check every ten seconds; on a busy machine everything takes longer. */
const noticedWithinMs = 90_000;

export interface RolloutOptions {
  config: Config;
  services: Services;
  embedders: ReadonlyMap<string, Embedder>;
  queries: readonly JudgedQuery[];
  scope: AsyncDisposableStack;
}

/**
 * Starts the search and rolls the candidate out to simulated people: in shadow, then to 10, 50 and 100 % of them. Then its
 * model is broken, and a guardrail rolls everybody back to the baseline. The model works again afterwards, and the search
 * stays open.
 */
export async function rollOut(options: RolloutOptions): Promise<{ url: string; percent: number }> {
  const { config, services, queries } = options;
  const { database } = services;
  const fault = { injected: false };
  const { url } = await openSearch(options, () => fault.injected);
  const traffic = new Traffic();

  await setShadowPercent(database, config, 100, { by, reason: "to compare the answers" });
  say(`In shadow         ${describeAnswered(await traffic.send({ url, queries, searches: shadowSearches }))}`);
  for (const { percent, searches } of steps) {
    await setPercent(database, config, percent, { by, reason: `${percent} % of people` });
    await setTimeout(followedMs);
    say(`${percent} %`.padEnd(18) + describeAnswered(await traffic.send({ url, queries, searches })));
  }

  say(`Breaking the model of ${config.candidate.name}, on purpose`);
  fault.injected = true;
  const patienceEnds = performance.now() + noticedWithinMs;
  const until = async () => performance.now() > patienceEnds || (await readRollout(database)).percent === 0;
  const answered = await traffic.send({ url, queries, searches: Number.POSITIVE_INFINITY, until });
  fault.injected = false;
  const [last] = await readRolloutEvents(database, 1);
  const { percent } = await readRollout(database);
  if (last?.changedBy !== guardrailName || percent !== 0) throw new Error("No guardrail noticed the broken model.");
  say(`Rolled back       by a guardrail after ${describeAnswered(answered)}: ${last.reason}`);
  return { url, percent };
}

async function openSearch(
  { config, services: { database }, embedders, scope }: RolloutOptions,
  broken: () => boolean,
): Promise<SearchApp> {
  const { id, revision } = config.candidate.model;
  const candidate = modelKey(id, revision);
  const used = new Map(
    [...embedders].map(([key, embedder]) => [key, key === candidate ? breakable(embedder, broken) : embedder]),
  );
  const { host, port, apiKey, rateLimit, logQueries } = config.search;
  return scope.use(
    await startSearch({
      ...{
        database,
        embedders: used,
        guardrails: followSettings(database, config, (present) => present.guardrails),
        metrics: createMetrics(),
      },
      ...{ host, port, apiKey, rateLimit, logQueries },
      // Hundreds of searches fail on purpose.
      log: createLogger("silent"),
    }),
  );
}
