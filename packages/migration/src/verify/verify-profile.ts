import { beforeFirstId } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { version } from "@reembed/runtime/version";
import { findAdoptionProblem } from "@reembed/store/adoption";
import type { Database } from "@reembed/store/database";
import { readVectors, readVectorsAfter, sampleVectorIds, type VectorOfText } from "@reembed/store/embeddings";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { findMiscount, type Miscount, readQuarantineReasons } from "@reembed/store/progress";
import { readAnnIndex } from "@reembed/store/search";
import { type CheckedChunks, checkVectors, findOrphans, shownIds, type VectorState } from "@reembed/store/verification";
import { measureReach } from "../index/reach.ts";
import { type Comparison, type CosineBars, compareVectors } from "./compare-vectors.ts";

/** Why a chunk or a vector fails the verification. */
export type Reason = Exclude<VectorState, "current" | "changing"> | "orphan" | "wrong_vector" | "unreachable";

interface Failure {
  chunkId: number;
  reason: Reason;
  detail?: string;
}

/** The output of `reembed verify --json`, which is stored in `verifications`. */
export interface VerificationReport {
  /** The version of Reembed that verified. */
  version: string;
  profile: string;
  passed: boolean;
  chunks: number;
  current: number;
  /** Chunks whose text was written a moment ago and waits for its vector: they do not fail the verification. */
  changing: { chunks: number; oldestSeconds: number | null };
  quarantined: number;
  /** The quarantine by reason. It fails the verification only if it has more than `maxQuarantinedShare` of the chunks. */
  quarantine: { reason: string; chunks: number }[];
  maxQuarantinedShare: number;
  /** current / chunks; 0 if there are no chunks. */
  coverage: number;
  /** Number of failures for each reason, including those at 0. */
  failures: Record<Reason, number>;
  /** The first failures. */
  examples: Failure[];
  /** What the ANN index finds; null if searches use no index. `served` lost vectors are compared exactly beside it. */
  index: { searched: number; sampled: boolean; served: number } | null;
  /** By how much the stored counts of `status` were wrong, which are counted anew then; null if they were right. */
  miscount: Miscount | null;
  /** What keeps the rows of an adopted table from being followed, so that the proof would not last; null if nothing does. */
  adoption: string | null;
  /** Undefined if there was no vector to compare. */
  embeddedAgain: Comparison | undefined;
  device: string | undefined;
  seconds: number;
}

export interface VerifyOptions {
  database: Database;
  profile: RegisteredProfile;
  /** Starts the profile's model; not called if there are no vectors. */
  startEmbedder: () => Promise<Embedder>;
  /** Number of vectors to embed again, or all of them. */
  sample: number | "all";
  bars: CosineBars;
  maxQuarantinedShare: number;
  onProgress: (stage: "check" | "embed", done: number) => void;
}

/** Number of vectors to embed again, and their least cosine similarity to the stored ones. */
export const defaultVerification = { sample: 200, minCosine: 0.999 } as const;

const embeddedTogether = 256;
/** Maximum number of vectors to search for through the index; if there are more, a sample. */
const searchedAtMost = 20_000;

/**
 * Proves a profile from its texts and vectors only, not from flags or counters: every chunk has a vector of its present
 * text, with the right model and dimensions; there are no other vectors; and the model makes the same vectors again.
 * Quarantined chunks are listed by reason and accepted up to a limit; pending changes are accepted and reported with their
 * age. Chunks that the backfill has not reached fail the verification.
 */
export async function verifyProfile(options: VerifyOptions): Promise<VerificationReport> {
  const { database, profile } = options;
  const startedAt = performance.now();
  const found = new Findings();
  const problem = await findAdoptionProblem(database, profile);
  if (problem !== undefined && problem.code !== "adopted_table_unfollowed") throw problem;
  for await (const { checked } of checkVectors(database, profile)) {
    for (const group of checked) found.addChecked(group);
    options.onProgress("check", found.chunks);
  }
  const orphans = await findOrphans(database, profile);
  found.add("orphan", orphans.vectors, orphans.firstIds);

  const index = await lookThroughIndex(options, found);
  const { device, ...embeddedAgain } = (await embedAgain(options, found)) ?? {};
  const { chunks, current, changing, quarantined } = found;
  if (quarantined.chunks > options.maxQuarantinedShare * chunks) {
    found.add("quarantined", quarantined.chunks, quarantined.firstIds);
  }
  return {
    version,
    profile: profile.name,
    passed: problem === undefined && current > 0 && Object.values(found.failures).every((count) => count === 0),
    chunks,
    current,
    changing,
    quarantined: quarantined.chunks,
    quarantine: await readQuarantineReasons(database, profile),
    maxQuarantinedShare: options.maxQuarantinedShare,
    coverage: chunks === 0 ? 0 : current / chunks,
    failures: found.failures,
    examples: found.examples,
    index,
    miscount: (await findMiscount(database, profile)) ?? null,
    adoption: problem === undefined ? null : `${problem.message} ${problem.remedy}`,
    embeddedAgain: "compared" in embeddedAgain ? embeddedAgain : undefined,
    device,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

/** Searches for vectors through the index: one that it does not find is found by no search, unless it is compared exactly. */
async function lookThroughIndex(
  { database, profile, sample }: VerifyOptions,
  found: Findings,
): Promise<VerificationReport["index"]> {
  const { ann } = profile;
  if (ann === null || !(await readAnnIndex(database, profile)).valid) return null;
  const served = new Set(ann.unreachable);
  const atMost = sample === "all" ? Number.POSITIVE_INFINITY : searchedAtMost;
  const task = { database, profile, settings: ann, vectors: found.current, atMost };
  const { searched, sampled, unreachable } = await measureReach(task);
  const lost = unreachable.filter((chunkId) => !served.has(chunkId));
  found.add("unreachable", lost.length, lost);
  return { searched, sampled, served: served.size };
}

async function embedAgain(
  { database, profile, startEmbedder, sample, bars, onProgress }: VerifyOptions,
  found: Findings,
): Promise<(Comparison & { device: string }) | undefined> {
  const chunkIds = sample === "all" ? undefined : await sampleVectorIds(database, profile, sample);
  if (found.current === 0 || chunkIds?.length === 0) return undefined;
  await using embedder = await startEmbedder();
  const pages = chunkIds === undefined ? allVectors(database, profile) : chosenVectors(database, profile, chunkIds);
  const comparison = await compareVectors(
    embedder,
    pages,
    {
      bars,
      sampled: sample !== "all" && found.current > sample,
      onWrong: ({ chunkId, reason, detail }) => found.add(reason, 1, [chunkId], detail),
    },
    (compared) => onProgress("embed", compared),
  );
  return { ...comparison, device: embedder.device };
}

async function* chosenVectors(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
): AsyncGenerator<VectorOfText[]> {
  for (let start = 0; start < chunkIds.length; start += embeddedTogether) {
    yield await readVectors(database, profile, chunkIds.slice(start, start + embeddedTogether));
  }
}

async function* allVectors(database: Database, profile: RegisteredProfile): AsyncGenerator<VectorOfText[]> {
  for (let after = beforeFirstId; ; ) {
    const page = await readVectorsAfter(database, profile, after, embeddedTogether);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.chunkId;
  }
}

/** In the order of the output. */
export const noFailures: Record<Reason, number> = {
  old_text: 0,
  other_revision: 0,
  wrong_dimensions: 0,
  wrong_norm: 0,
  wrong_vector: 0,
  orphan: 0,
  unreachable: 0,
  missing: 0,
  pending: 0,
  quarantined: 0,
};

/** Counts failures and keeps the first chunks: those with defects come before those that are not embedded yet. */
class Findings {
  readonly failures: Record<Reason, number> = { ...noFailures };
  current = 0;
  readonly changing: VerificationReport["changing"] = { chunks: 0, oldestSeconds: null };
  readonly quarantined = { chunks: 0, firstIds: [] as number[] };
  chunks = 0;
  readonly #examples = new Map<Reason, Failure[]>();

  addChecked({ state, chunks, firstIds, oldestSeconds }: CheckedChunks): void {
    this.chunks += chunks;
    if (state === "current") this.current += chunks;
    else if (state === "changing") {
      this.changing.chunks += chunks;
      this.changing.oldestSeconds = Math.max(this.changing.oldestSeconds ?? 0, oldestSeconds ?? 0);
    } else if (state === "quarantined") {
      this.quarantined.chunks += chunks;
      this.quarantined.firstIds.push(...firstIds.slice(0, shownIds - this.quarantined.firstIds.length));
    } else this.add(state, chunks, firstIds);
  }

  add(state: Reason, count: number, chunkIds: readonly number[], detail?: string): void {
    this.failures[state] += count;
    const known = this.#examples.get(state) ?? [];
    known.push(...chunkIds.map((chunkId) => ({ chunkId, reason: state, ...(detail === undefined ? {} : { detail }) })));
    this.#examples.set(state, known.slice(0, shownIds));
  }

  get examples(): Failure[] {
    const reasons = Object.keys(this.failures) as Reason[];
    const found = reasons.map((reason) => this.#examples.get(reason) ?? []);
    // Sorted, because texts are embedded with the longest first.
    return found.flatMap((failures) => failures.sort((a, b) => a.chunkId - b.chunkId)).slice(0, shownIds);
  }
}
