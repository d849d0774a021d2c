import type { Objection, Proof } from "../rollout/objections.ts";
import type { NextStage, Stage, StageFacts, StageName } from "./stage.ts";

/** The proofs that a stage before the rollout is about; the others need all of them. */
const proofsOf: Partial<Record<StageName, Proof[]>> = {
  indexed: ["coverage", "quarantine", "index"],
  verified: ["verification"],
  judged: ["evaluation"],
  shadow: [],
};

/** The first stage after the present one that is neither reached nor needless. */
export function nextStage(facts: StageFacts, stages: readonly Stage[], place: number): NextStage {
  const next = stages.find(({ state }, index) => index > place && state === "ahead");
  if (next === undefined) return afterAll(facts);
  if (next.name === "finalized" && facts.handedOver) return afterHandOver();
  const missing = missingFor(next.name, facts);
  const [first] = missing;
  return {
    stage: next.name,
    missing: missing.map(({ says }) => says),
    command: first?.proof === undefined ? commandOf(next.name, facts) : repairOf(first.proof, facts),
  };
}

interface Missing {
  proof?: Proof;
  says: string;
}

function missingFor(stage: StageName, { evidence, objections, chunks, chunking, waits }: StageFacts): Missing[] {
  const { baseline, candidate } = evidence;
  const adopting = baseline.state === "adopting";
  const before: Partial<Record<StageName, string>> = {
    adopted: adopting
      ? `The vectors of ${baseline.profile} are not all copied yet.`
      : "No table is adopted, and nothing is loaded.",
    ...(chunks === "uncut" ? { cut: `Documents have no chunks of ${chunking} yet.` } : {}),
    embedding: candidate.paused
      ? `The backfill of ${candidate.profile} is paused.`
      : `The backfill of ${candidate.profile} has not begun.`,
  };
  if (before[stage] !== undefined) return [{ says: before[stage] }];
  if (stage === "finalized") return waits.map((says) => ({ says }));
  const proofs = proofsOf[stage];
  return objections.filter(({ proof }: Objection) => proofs === undefined || proofs.includes(proof));
}

function commandOf(stage: StageName, { rollout, evidence }: StageFacts): string {
  const { candidate } = evidence;
  const share = rollout.percent < 50 ? 50 : 100;
  const commands: Record<StageName, string> = {
    adopted: "reembed adopt",
    cut: "reembed rechunk",
    embedding: `reembed backfill ${candidate.state === "backfilling" ? "resume" : "start"}`,
    indexed: "reembed index build",
    verified: "reembed verify",
    judged: "reembed evaluate",
    shadow: "reembed rollout shadow 20",
    canary: 'reembed rollout set 10 --reason "first people"',
    full: `reembed rollout set ${share} --reason "${share} % of people"`,
    finalized: "reembed finalize",
  };
  return commands[stage];
}

/** What gets a proof that is missing. */
function repairOf(proof: Proof, { evidence: { baseline, candidate, evaluation } }: StageFacts): string | null {
  const work = ({ profile, workers, paused }: typeof candidate) => {
    if (workers === 0) return `reembed worker --profile ${profile}`;
    return paused ? `reembed backfill resume --profile ${profile}` : null;
  };
  const repairs: Record<Proof, string | null> = {
    baseline: work(baseline),
    coverage: work(candidate),
    quarantine: "reembed quarantine list",
    index: "reembed index build",
    verification: "reembed verify",
    // Another one would find as little: without judgements, searches of people are the way.
    evaluation: evaluation?.verdict === "unjudged" ? "reembed rollout shadow 100" : "reembed evaluate",
  };
  return repairs[proof];
}

function afterHandOver(): NextStage {
  return {
    stage: null,
    missing: [
      "The new vectors are in the application's own table, and the old ones beside them; Reembed's tables are still in the database.",
    ],
    command: "reembed uninstall",
  };
}

function afterAll({ chunks }: StageFacts): NextStage {
  return {
    stage: null,
    missing: ["The application's old vectors and Reembed's tables are still in the database."],
    command: chunks === "kept" ? "reembed finalize --hand-over" : "reembed uninstall",
  };
}
