import { readRolloutStatus, rollBack, setPercent, setShadowPercent } from "@reembed/migration/rollout";
import { findRollout } from "@reembed/store/rollout";
import { Problem } from "../page/problem.ts";
import type { SteeringContext, Step } from "./step.ts";

/** The share of the baseline's requests that the candidate answers unseen, as docs/migrating.md begins. */
export const shadowShare = 20;
/** The shares of subjects that have a button. */
export const shares = [10, 50, 100] as const;

/** Giving the candidate traffic, or taking it away, as `reembed rollout` does. */
export async function rolloutStep({ database, readConfig }: SteeringContext, action: string): Promise<Step> {
  const rollout = await findRollout(database);
  if (rollout === undefined) throw new Problem(409, "There is no rollout yet: run reembed init.");
  const { baseline, candidate, stage, percent, shadowPercent, version } = rollout;
  const present = stage === "canary" ? `canary, ${percent} %` : stage;
  const step = { seen: `${present} (change ${version})`, fields: false, objections: [] } as const;
  if (action === "rollback") {
    const idle = percent === 0 && shadowPercent === 0;
    return {
      ...step,
      title: "Roll back",
      effects: [`${baseline} answers everybody again, within a second. ${candidate} keeps its vectors.`],
      objections: idle ? [`${baseline} already answers everybody, and nothing is in shadow.`] : [],
      // Not bound to what was seen: a way back must not depend on who was faster.
      seen: "",
      run: async (_, decision) => {
        await rollBack(database, decision);
        return "/";
      },
    };
  }
  if (action === "shadow") {
    return {
      ...step,
      title: `${candidate} in shadow`,
      effects: [`${candidate} answers ${shadowShare} % of the requests too, and nobody sees its answers.`],
      run: async (_, decision) => {
        await setShadowPercent(database, await readConfig(), shadowShare, { ...decision, version });
        return "/";
      },
    };
  }
  const share = shares.find((one) => String(one) === action);
  if (share === undefined) throw new Problem(404, `There is no step ${action} of the rollout.`);
  if (share === percent) throw new Problem(409, `${candidate} already answers ${share} % of subjects.`);
  const { objections } = await readRolloutStatus(database, await readConfig());
  return {
    ...step,
    title: `${share} % of subjects to ${candidate}`,
    effects: [
      share === 100
        ? `${candidate} answers everybody.`
        : `${candidate} answers ${share} % of subjects, and ${baseline} the others; each stays with its profile.`,
      "A guardrail rolls back by itself if it is certainly worse.",
    ],
    objections: share > percent ? objections.map(({ says }) => says) : [],
    run: async (_, decision) => {
      await setPercent(database, await readConfig(), share, { ...decision, version });
      return "/";
    },
  };
}
