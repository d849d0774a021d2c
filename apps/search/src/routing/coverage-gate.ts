import { type Database, type RegisteredProfile, readCoverage } from "@reembed/store";
import { Problem } from "../http/problem.ts";

const sufficient = 0.999;
const freshMs = 1_000;

/**
 * Keeps a profile that is still being built from answering with half of the corpus. One whose backfill has once been
 * complete is let through from then on: a live corpus always has changes, and an import must not end the search.
 */
export class CoverageGate {
  readonly #database: Database;
  readonly #coverages = new Map<string, { coverage: Promise<number>; until: number }>();

  constructor(database: Database) {
    this.#database = database;
  }

  async isCovered(profile: RegisteredProfile): Promise<boolean> {
    return profile.state === "backfilled" || (await this.coverageOf(profile)) >= sufficient;
  }

  /** @throws Problem that says how far the profile is. */
  async requireCovered(profile: RegisteredProfile): Promise<void> {
    if (await this.isCovered(profile)) return;
    const percent = Math.floor(1_000 * (await this.coverageOf(profile))) / 10;
    throw new Problem(
      503,
      "profile_uncovered",
      `${profile.name} is being built: ${percent.toFixed(1)} % of its chunks are embedded, and it answers from 99.9 % on.`,
    );
  }

  /** Embedded chunks of all; counting takes longer than a search, so that it is done once a second at most. */
  async coverageOf(profile: RegisteredProfile): Promise<number> {
    const known = this.#coverages.get(profile.name);
    if (known !== undefined && performance.now() < known.until) return await known.coverage;
    const coverage = readCoverage(this.#database, profile).then((read) => read.coverage);
    const counted = { coverage, until: Number.POSITIVE_INFINITY };
    this.#coverages.set(profile.name, counted);
    try {
      return await coverage;
    } finally {
      counted.until = performance.now() + freshMs;
    }
  }
}
