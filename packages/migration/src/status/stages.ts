import type { Rollout } from "@reembed/core";
import type { Proof } from "../rollout/objections.ts";
import { nextStage } from "./next-stage.ts";
import { type Stage, type StageFacts, type StageName, type Stages, stageNames } from "./stage.ts";

/** Derives the stage of a migration from what the database says. Everything that shows a stage shows this one. */
export function deriveStages(facts: StageFacts): Stages {
  const { rollout, events } = facts;
  const reached = reachedStages(facts);
  const place = placeOf(rollout, reached);
  const since = sinceOf(facts);
  const stage = stageNames[place] ?? null;
  const [last] = events;
  const stages = stageNames.map((name, index): Stage => {
    const state = stateOf(reached[name], index, place);
    return {
      name,
      state,
      since: state === "done" || state === "current" ? (since[name]?.toISOString() ?? null) : null,
    };
  });
  return {
    ...{ baseline: rollout.baseline, candidate: rollout.candidate, percent: rollout.percent, stage, stages },
    since: stages[place]?.since ?? null,
    rolledBack:
      rollout.stage !== "rolled back" || last === undefined
        ? null
        : { at: last.changedAt.toISOString(), by: last.changedBy, reason: last.reason },
    next: nextStage(facts, stages, place),
  };
}

/** Null where the migration does not have the stage. */
type Reached = Record<StageName, boolean | null>;

function reachedStages({ rollout, evidence, objections, chunks, events }: StageFacts): Reached {
  const { baseline, candidate } = evidence;
  const lacks = (...proofs: Proof[]) => objections.some(({ proof }) => proofs.includes(proof));
  const finalized = baseline.state === "retired";
  const complete = candidate.embedded > 0 && !lacks("coverage", "quarantine");
  const was = (stage: Rollout["stage"]) => rollout.stage === stage || events.some(({ toStage }) => toStage === stage);
  return {
    adopted: finalized || (baseline.chunks > 0 && baseline.state !== "adopting"),
    cut: chunks === "kept" ? null : chunks === "cut",
    embedding:
      candidate.embedded > 0 ||
      candidate.state === "backfilled" ||
      (candidate.state === "backfilling" && !candidate.paused),
    // A small corpus is searched without an index.
    indexed: complete && candidate.index === null && !lacks("index") ? null : complete && !lacks("index"),
    verified: !lacks("verification"),
    judged: !lacks("evaluation"),
    shadow: was("shadow") ? true : ["canary", "full"].includes(rollout.stage) ? null : false,
    canary: ["canary", "full"].includes(rollout.stage),
    full: rollout.stage === "full" || finalized,
    finalized,
  };
}

/** Traffic decides; before it, the last stage whose predecessors are all reached. -1 before the first. */
function placeOf({ stage }: Rollout, reached: Reached): number {
  if (reached.finalized) return stageNames.indexOf("finalized");
  if (stage === "shadow" || stage === "canary" || stage === "full") return stageNames.indexOf(stage);
  const proofs = stageNames.slice(0, stageNames.indexOf("shadow"));
  const firstMissing = proofs.findIndex((name) => reached[name] === false);
  const before = firstMissing === -1 ? proofs : proofs.slice(0, firstMissing);
  return before.findLastIndex((name) => reached[name] === true);
}

function stateOf(reached: boolean | null, index: number, place: number): Stage["state"] {
  if (index === place) return "current";
  if (reached === null) return "needless";
  if (index > place) return reached && index < stageNames.indexOf("shadow") ? "done" : "ahead";
  return reached ? "done" : "missing";
}

function sinceOf({ milestones, evidence, events, rollout }: StageFacts): Partial<Record<StageName, Date | null>> {
  const { candidate, evaluation } = evidence;
  const entered = (stage: Rollout["stage"]) =>
    events.find(({ fromStage, toStage }) => toStage === stage && fromStage !== stage)?.changedAt ?? null;
  const finalized = events.find(({ reason }) => reason === `finalized: ${rollout.baseline} is retired`);
  return {
    adopted: milestones.corpus,
    embedding: milestones.firstVector,
    indexed: candidate.index?.measured ? new Date(candidate.index.measuredAt) : milestones.backfilled,
    verified: candidate.verification?.at ?? null,
    judged: evaluation?.evaluatedAt ?? null,
    shadow: entered("shadow"),
    canary: entered("canary"),
    full: entered("full"),
    finalized: finalized?.changedAt ?? null,
  };
}
