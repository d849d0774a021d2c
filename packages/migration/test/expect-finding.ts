import { expect } from "vitest";
import type { Finding } from "../src/doctor/finding.ts";

/** A case of a test: its name, the finding, its verdict, and what the finding and its remedy must say. */
export type FindingCase = [what: string, finding: Finding | Finding[], verdict: Finding["verdict"], words: RegExp];

export function expectFinding([, found, verdict, words]: FindingCase): void {
  const findings = [found].flat();
  const worst = findings.find((finding) => finding.verdict === verdict);
  expect(worst, JSON.stringify(findings)).toBeDefined();
  expect(`${worst?.check} ${worst?.says} ${worst?.remedy ?? ""}`.trim()).toMatch(words);
  // What is not in order comes with what to do, and nothing else does.
  for (const finding of findings) expect(finding.remedy === null).toBe(finding.verdict === "ok");
}
