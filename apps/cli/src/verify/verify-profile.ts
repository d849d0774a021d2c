import type { Embedder } from "@reembed/embedder";
import {
  type CheckedChunks,
  checkVectors,
  type Database,
  findOrphans,
  type RegisteredProfile,
  readAnnIndex,
  readQuarantineReasons,
  readVectors,
  readVectorsAfter,
  sampleVectorIds,
  shownIds,
  type VectorOfText,
  type VectorState,
} from "@reembed/store";
import { measureReach } from "../ann/reach.ts";
import { type Comparison, type CosineBars, compareVectors } from "./compare-vectors.ts";

/** Why a chunk or a vector fails the verdict. */
export type Reason = Exclude<VectorState, "current" | "changing"> | "orphan" | "wrong_vector" | "unreachable";

interface Failure {
  chunkId: number;
  reason: Reason;
  detail?: string;
}

/** What `reembed verify --json` prints, and `verifications` keeps. */
export interface VerificationReport {
  profile: string;
  passed: boolean;
  chunks: number;
  current: number;
  /** Chunks whose text was written a moment ago: their change is in hand, and fails nothing. */
  changing: { chunks: number; oldestSeconds: number | null };
  quarantined: number;
  /** The quarantine by reason. It fails the verdict only where more than `maxQuarantinedShare` of the chunks are in it. */
  quarantine: { reason: string; chunks: number }[];
  maxQuarantinedShare: number;
  /** current / chunks; 0 without chunks. */
  coverage: number;
  /** How many chunks or vectors fail for each reason, those at 0 included. */
  failures: Record<Reason, number>;
  /** The first of them. */
  examples: Failure[];
  /** What the ANN index finds; null without one that searches take. `served` chunks are looked at exactly beside it. */
  index: { looked: number; sampled: boolean; served: number } | null;
  /** Undefined where there was no vector to compare. */
  embeddedAgain: Comparison | undefined;
  device: string | undefined;
  seconds: number;
}

export interface VerifyOptions {
  database: Database;
  profile: RegisteredProfile;
  /** Starts the profile's own model; not called where there is no vector. */
  startEmbedder: () => Promise<Embedder>;
  /** How many vectors to embed again, or all of them. */
  sample: number | "all";
  bars: CosineBars;
  maxQuarantinedShare: number;
  onProgress: (stage: "check" | "embed", done: number) => void;
}

const embeddedTogether = 256;
/** Vectors that look for themselves through the index; of more, a sample of as many. */
const lookingAtMost = 20_000;

/**
 * Proves a profile from its texts and vectors, and from no flag or counter: that every chunk has a vector of its present
 * text, of the right model and shape, that there are no others, and that the model makes the same vectors again.
 * Quarantined chunks are told by reason, and pass up to a bound; so do changes in hand, with their age. What a backfill
 * has not come to fails it.
 */
export async function verifyProfile(options: VerifyOptions): Promise<VerificationReport> {
  const { database, profile } = options;
  const startedAt = performance.now();
  const found = new Findings();
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
    profile: profile.name,
    passed: current > 0 && Object.values(found.failures).every((count) => count === 0),
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
    embeddedAgain: "compared" in embeddedAgain ? embeddedAgain : undefined,
    device,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

/** Has vectors look for themselves: one that the index loses is found by no search, unless it is looked at exactly. */
async function lookThroughIndex(
  { database, profile, sample }: VerifyOptions,
  found: Findings,
): Promise<VerificationReport["index"]> {
  const { ann } = profile;
  if (ann === null || !(await readAnnIndex(database, profile)).valid) return null;
  const served = new Set(ann.unreachable);
  const atMost = sample === "all" ? Number.POSITIVE_INFINITY : lookingAtMost;
  const task = { database, profile, settings: ann, vectors: found.current, atMost };
  const { looked, sampled, unreachable } = await measureReach(task);
  const lost = unreachable.filter((chunkId) => !served.has(chunkId));
  found.add("unreachable", lost.length, lost);
  return { looked, sampled, served: served.size };
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
  for (let after = 0; ; ) {
    const page = await readVectorsAfter(database, profile, after, embeddedTogether);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.chunkId;
  }
}

/** In the order in which they are told. */
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

/** Counts, and the first chunks that fail: those that should never be before those that are still to be embedded. */
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
    // Texts are embedded the longest first.
    return found.flatMap((failures) => failures.sort((a, b) => a.chunkId - b.chunkId)).slice(0, shownIds);
  }
}
