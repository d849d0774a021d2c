import { setTimeout } from "node:timers/promises";
import { formatCount } from "@reembed/core";
import { readRolloutStatus, rollBack, setPercent, setShadowPercent } from "@reembed/migration/rollout";
import type { Logger } from "@reembed/runtime";
import { guardrailName, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import { countShadowed } from "@reembed/store/search";
import type { Services } from "../hosting/services.ts";
import type { Embedders } from "../journey/embedders.ts";
import { serveSearches } from "../journey/serve-searches.ts";
import { describeAnswered, Traffic } from "../journey/traffic.ts";
import type { Steps } from "./steps.ts";

const by = "rehearsal";
/** Number of searches at each share. */
const searches = 60;
/** Within this time every search process follows a change. */
const followedMs = 1_000;
/** How long it waits for shadows that were left out, and for people who are not back. */
const patienceMs = 120_000;
/** As many people in a row must be back with the baseline. */
const peopleBack = 20;

export interface RolloutOptions {
  steps: Steps;
  services: Services;
  embedders: Embedders;
  queries: readonly string[];
  log: Logger;
  scope: AsyncDisposableStack;
}

/**
 * Rolls the candidate out to simulated people, in shadow and to 10, 50 and 100 % of them, and back. What the guard would have
 * refused is told and overruled, so that the rehearsal comes to its end.
 */
export async function rehearseRollout({
  steps,
  services,
  embedders,
  queries,
  log,
  scope,
}: RolloutOptions): Promise<void> {
  const { config, database } = services;
  // A baseline as it was adopted is searched by SQL alone, and answers nobody here.
  const served = !config.baseline.model.unknown;
  const url = served ? scope.use(await serveSearches(services, embedders.byKey, log)).url : undefined;
  const traffic = new Traffic();
  const ask = async (wanted: number) => {
    if (url === undefined) return "no searches: the baseline was adopted without a model, and is searched by SQL alone";
    return describeAnswered(await traffic.send({ url, queries, searches: wanted }));
  };
  if (served) {
    await steps.play("shadow", async () => {
      await setShadowPercent(database, config, 100, { by, reason: "to compare the answers" });
      await setTimeout(followedMs);
      const shadowed = await shadowEnough(services, ask);
      return { says: `${formatCount(shadowed)} searches, answered by both` };
    });
  }
  for (const percent of [10, 50, 100]) {
    await steps.play(`${percent} %`, async () => {
      const refusal = await overrule(services, percent);
      await setTimeout(followedMs);
      const says = await ask(searches);
      return { says, concern: refusal ?? (await readBreach(services)) };
    });
  }
  await steps.play("rollback", async () => {
    await rollBack(database, { by, reason: "the end of the rehearsal" });
    const startedAt = performance.now();
    const elapsedMs = () => Math.round(performance.now() - startedAt);
    if (url === undefined) {
      return { says: `${(await readRollout(database)).percent} % are with the candidate` };
    }
    for (;;) {
      const answered = await traffic.send({ url, queries, searches: peopleBack });
      if (answered.by.get(config.baseline.name) === answered.searches) break;
      if (elapsedMs() > patienceMs) {
        const says = `not everybody is back with ${config.baseline.name} after ${elapsedMs()} ms`;
        return { says, concern: describeAnswered(answered) };
      }
    }
    return { says: `everybody is back with ${config.baseline.name} after ${elapsedMs()} ms` };
  });
}

/** The search leaves a shadow out when it is busy: it is asked until as many were answered as the guard wants. */
async function shadowEnough(
  { config, database }: Services,
  ask: (searches: number) => Promise<string>,
): Promise<number> {
  const pair = { baseline: config.baseline.name, candidate: config.candidate.name };
  const endAt = performance.now() + patienceMs;
  for (;;) {
    const shadowed = await countShadowed(database, pair);
    const missing = config.guardrails.leastSearches - shadowed;
    if (missing <= 0 || performance.now() > endAt) return shadowed;
    await ask(missing);
    // Shadows are stored some time after the answer.
    await setTimeout(followedMs);
  }
}

/** Sets the share whatever the guard has against it, and says what that is. */
async function overrule({ config, database }: Services, percent: number): Promise<string | null> {
  const { objections } = await readRolloutStatus(database, config);
  const reason = `${percent} % of people`;
  const overruled = Object.fromEntries(objections.map(({ proof }) => [proof, "a rehearsal goes on"]));
  await setPercent(database, config, percent, { by, reason, overrule: overruled });
  if (objections.length === 0) return null;
  return `the guard would have refused: ${objections.map(({ proof, says }) => `${proof}: ${says}`).join(" ")}`;
}

async function readBreach({ database }: Services): Promise<string | null> {
  const [last] = await readRolloutEvents(database, 1);
  return last?.changedBy === guardrailName ? `a guardrail has rolled back: ${last.reason}` : null;
}
