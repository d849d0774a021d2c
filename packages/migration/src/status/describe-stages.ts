import { formatDuration } from "@reembed/core";
import type { StageName, Stages } from "./stage.ts";

/** A stage as a participle or a noun, as in `It is …`. */
const names: Record<StageName, string> = {
  adopted: "adopted",
  cut: "cut",
  embedding: "embedding",
  indexed: "indexed",
  verified: "verified",
  judged: "judged",
  shadow: "in shadow",
  canary: "canary",
  full: "full",
  finalized: "finalized",
};

/** A stage's name and what it means for people who search. */
function nameOfStage(stage: StageName, percent: number): string {
  return stage === "canary" ? `canary, ${percent} %` : names[stage];
}

/**
 * `The migration from mini-rubert to mini-m3 is embedding, for 12 min.` and what is missing for the next stage, a sentence
 * each.
 */
export function describeStages(stages: Stages, now: Date): { is: string; next: string[] } {
  const { baseline, candidate, stage, since, percent, rolledBack, next } = stages;
  const elapsed =
    since === null ? "" : `, for ${formatDuration(Math.max(0, (now.getTime() - Date.parse(since)) / 1_000))}`;
  const place = stage === null ? "not begun" : nameOfStage(stage, percent);
  const back = rolledBack === null ? [] : [`It was rolled back by ${rolledBack.by}: ${rolledBack.reason}.`];
  const wanted =
    next.stage === null
      ? []
      : [
          next.missing.length === 0
            ? `Nothing is missing for the next stage, ${names[next.stage]}.`
            : `The next stage is ${names[next.stage]}.`,
        ];
  return {
    is: `The migration from ${baseline} to ${candidate} is ${place}${elapsed}.`,
    next: [...back, ...wanted, ...next.missing],
  };
}
