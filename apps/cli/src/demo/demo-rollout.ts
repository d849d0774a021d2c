import { setTimeout } from "node:timers/promises";
import { modelKey } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { setPercent, setShadowPercent } from "@reembed/migration/rollout";
import type { JudgedQuery } from "@reembed/retrieval/measures";
import { createLogger } from "@reembed/runtime";
import type { SearchApp } from "@reembed/search";
import { guardrailName, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import type { Services } from "../hosting/services.ts";
import type { Embedders } from "../journey/embedders.ts";
import { say } from "../journey/say.ts";
import { serveSearches } from "../journey/serve-searches.ts";
import { describeAnswered, Traffic } from "../journey/traffic.ts";
import { breakable } from "./demo-embedders.ts";

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
  services: Services;
  embedders: Embedders;
  queries: readonly JudgedQuery[];
  scope: AsyncDisposableStack;
}

/**
 * Starts the search and rolls the candidate out to simulated people: in shadow, then to 10, 50 and 100 % of them. Then its
 * model is broken, and a guardrail rolls everybody back to the baseline. The model works again afterwards, and the search
 * stays open.
 */
export async function rollOut(options: RolloutOptions): Promise<{ url: string; percent: number }> {
  const { config, database } = options.services;
  const queries = options.queries.map(({ text }) => text);
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

/** Hundreds of searches fail on purpose, and are not logged. */
async function openSearch({ services, embedders, scope }: RolloutOptions, broken: () => boolean): Promise<SearchApp> {
  const { id, revision } = services.config.candidate.model;
  const candidate = modelKey(id, revision);
  const used = [...embedders.byKey].map(([key, embedder]): [string, Embedder] => [
    key,
    key === candidate ? breakable(embedder, broken) : embedder,
  ]);
  return scope.use(await serveSearches(services, new Map(used), createLogger("silent")));
}
