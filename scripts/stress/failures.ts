import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import type { LoggedRun } from "./run-logged.ts";

export interface Failure {
  /** A test file relative to the working folder, or the command that failed as a whole. */
  file: string;
  /** The titles of the suites and of the test. */
  title: string;
}

/** The part of Vitest's JSON report that is read. */
interface Report {
  testResults: { name: string; status: string; assertionResults: { fullName: string; status: string }[] }[];
}

/**
 * The failures of a run: tests that failed; files that failed without a test (an import, a hook); and the run itself if it
 * failed without a failed test, by an error outside all tests or an end before the report.
 */
export async function failuresOfTests(reportFile: string, { end }: LoggedRun): Promise<Failure[]> {
  const failures = failuresInReport(await readReport(reportFile));
  if (failures.length > 0 || end === 0) return failures;
  return [{ file: "vitest", title: `the run itself, which ended with ${end}` }];
}

export function failuresOfSoak(seed: number, { end }: LoggedRun): Failure[] {
  return end === 0 ? [] : [{ file: "soak", title: `--seed ${seed}, which ended with ${end}` }];
}

function failuresInReport({ testResults }: Report): Failure[] {
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length > 0) return failed.map(({ fullName }) => ({ file, title: fullName }));
    return status === "failed" ? [{ file, title: "the file itself" }] : [];
  });
}

async function readReport(file: string): Promise<Report> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Report;
  } catch {
    // The run ended before it wrote its report, and counts as failed.
    return { testResults: [] };
  }
}
