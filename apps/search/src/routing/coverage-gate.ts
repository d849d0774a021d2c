import { leastCoverage } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { Problem } from "../http/problem.ts";

const freshMs = 1_000;

/**
 * Prevents a profile that is still being built from answering with half of the corpus. After its backfill has been
 * complete once it always passes, unless most of its vectors were lost: a live corpus always has pending changes, and an
 * import must not stop the search, neither one that triggers recorded nor one for which the backfill starts again.
 */
export class CoverageGate {
  readonly #databaseOf: (profile: string) => Database;
  readonly #coverages = new Map<string, { coverage: Promise<number>; until: number }>();

  /** @param databaseOf Connections for each profile: while one cannot be counted, the others are. */
  constructor(databaseOf: (profile: string) => Database) {
    this.#databaseOf = databaseOf;
  }

  async isCovered(profile: RegisteredProfile): Promise<boolean> {
    return profile.wasComplete || (await this.coverageOf(profile)) >= leastCoverage;
  }

  /** @throws Problem with the profile's progress. */
  async requireCovered(profile: RegisteredProfile): Promise<void> {
    if (await this.isCovered(profile)) return;
    const percent = Math.floor(1_000 * (await this.coverageOf(profile))) / 10;
    throw new Problem(
      503,
      "profile_uncovered",
      `${profile.name} is being built: ${percent.toFixed(1)} % of its chunks are embedded, and it needs 99.9 % to answer.`,
    );
  }

  /** The share of chunks that are embedded. Counting takes longer than a search, so it is done at most once a second. */
  async coverageOf(profile: RegisteredProfile): Promise<number> {
    const known = this.#coverages.get(profile.name);
    if (known !== undefined && performance.now() < known.until) return await known.coverage;
    const coverage = readCoverage(this.#databaseOf(profile.name), profile).then((read) => read.coverage);
    const counted = { coverage, until: Number.POSITIVE_INFINITY };
    this.#coverages.set(profile.name, counted);
    try {
      return await coverage;
    } finally {
      counted.until = performance.now() + freshMs;
    }
  }
}
