import { formatCount } from "@reembed/core";
import { countOrphans, readTextFacts, type TextFacts } from "@reembed/store/diagnosis";
import type { Check } from "./context.ts";
import { amount, describeSample, most } from "./describe-sample.ts";
import { type Finding, ok, warning } from "./finding.ts";

export const checkTexts: Check = async ({ database, registered }) => {
  if (database === undefined) return [];
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const profile of registered) {
    if (seen.has(profile.chunking)) continue;
    seen.add(profile.chunking);
    findings.push(judgeTexts(profile.chunking, await readTextFacts(database, profile, most.texts)));
    const { source } = profile;
    if (source?.documents === undefined) continue;
    const { documents } = source;
    findings.push(judgeOrphans(source.table, await countOrphans(database, { ...source, documents }, most.texts)));
  }
  return findings;
};

export function judgeTexts(chunking: string, facts: TextFacts): Finding {
  const check = `texts ${chunking}`;
  const { rows, sampled, blank, different } = facts;
  if (rows === 0) return ok(check, "no chunks yet");
  const again = sampled - blank - (different - (blank > 0 ? 1 : 0));
  const whole = sampled >= rows;
  const repeated =
    again <= 0
      ? "no text occurs twice"
      : `${whole ? "" : "at least "}${formatCount(again)} have the same text as another chunk; each text is embedded once`;
  const says = `${describeSample(facts, "chunks")}: ${repeated}`;
  if (blank === 0) return ok(check, says);
  return warning(
    check,
    `${says}; ${amount(blank, facts)} empty`,
    "They will be quarantined as empty_text: give them a text or delete them.",
  );
}

export function judgeOrphans(table: string, facts: Awaited<ReturnType<typeof countOrphans>>): Finding {
  const check = `documents of ${table}`;
  if (facts.orphans === 0) return ok(check, `${describeSample(facts, "chunks")}: all have a document`);
  const says = `${describeSample(facts, "chunks")}: ${amount(facts.orphans, facts)} without a document`;
  return warning(
    check,
    says,
    "Search results from them have neither uri nor title: delete them, or restore their documents.",
  );
}
