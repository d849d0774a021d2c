import { formatCount } from "@reembed/core";
import { readVectorFacts, type VectorFacts } from "@reembed/store/diagnosis";
import { adoptedVectors } from "./adopted-vectors.ts";
import type { Check } from "./context.ts";
import { amount, describeSample, most } from "./describe-sample.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export const checkVectors: Check = async (context) => {
  const { database, registered } = context;
  if (database === undefined) return [];
  const findings: Finding[] = [];
  for (const profile of registered) {
    const own = await readVectorFacts(database, profile, null, most.vectors);
    findings.push(judgeVectors(`vectors of ${profile.name}`, profile.dimensions, own));
    const source = adoptedVectors(context, profile);
    if (source === null) continue;
    const facts = await readVectorFacts(database, profile, source, most.vectors);
    findings.push(judgeVectors(`vectors in ${source.table}`, profile.dimensions, facts));
  }
  return findings;
};

export function judgeVectors(check: string, dimensions: number, facts: VectorFacts): Finding {
  if (facts.rows === 0) return ok(check, "none yet");
  const says = describeSample(facts, "vectors");
  if (facts.otherDimensions > 0) {
    const other = `${says}: ${amount(facts.otherDimensions, facts)} not of ${formatCount(dimensions)} dimensions`;
    return problem(
      check,
      other,
      "They come from another model than the profile's: choose the profile whose model made them.",
    );
  }
  const flaws = [
    [facts.zero, "zero"],
    [facts.notANumber, "not numbers"],
    [facts.missing, "missing"],
    [facts.unnormalised, "not of length 1"],
  ] as const;
  const found = flaws.filter(([count]) => count > 0).map(([count, flaw]) => `${amount(count, facts)} ${flaw}`);
  if (found.length === 0) return ok(check, `${says}, all of length 1`);
  const broken = facts.zero + facts.notANumber + facts.missing > 0;
  const remedy = broken
    ? "No search finds these chunks; the migration gives them vectors of the new model."
    : "Cosine similarity ignores the length, but searches by inner product or distance do not.";
  return warning(check, `${says}: ${found.join(", ")}`, remedy);
}
