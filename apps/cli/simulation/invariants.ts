import type { ChunkFacts, Facts } from "./facts.ts";
import { findHash, findText, reasonOf } from "./texts.ts";
import type { World } from "./world.ts";

/** The worker's limit: this many workers may die of a chunk. */
const attemptsAtMost = 5;
/** This many workers may have read the same number of attempts before each counts its own. */
const workersAtMost = 5;

type Invariant = (chunk: ChunkFacts, facts: Facts, world: World) => boolean;

/** What must hold for every chunk after every event. The names are sentences about a chunk. */
const invariants: Record<string, Invariant> = {
  "a vector of another text than the present one has a change waiting": ({ hash, vector, waits }, _, { passedBy }) =>
    hash === null || vector === null || vector.hash === hash || waits || passedBy > 0,
  "the remains of a deleted chunk have a change waiting": ({ content, vector, quarantine, waits }, _, { passedBy }) =>
    content !== null || (vector === null && quarantine === null) || waits || passedBy > 0,
  "a vector is that of the text whose hash is stored with it": ({ vector }) =>
    vector === null || findHash(vector.hash)?.index === vector.dimension,
  "the number of attempts is limited": ({ attempts }) => (attempts ?? 0) <= attemptsAtMost + workersAtMost,
  "a quarantine has the reason that fits its text": ({ id, quarantine }, _, world) => {
    if (quarantine === null) return true;
    const kind = findHash(quarantine.hash)?.kind ?? "blank";
    const isInnocent = kind !== "deadly" && quarantine.reason === "attempts_exhausted";
    const isTrue = isInnocent ? (world.deaths.get(id) ?? 0) >= attemptsAtMost : quarantine.reason === reasonOf[kind];
    return isTrue && quarantine.detail !== "";
  },
  "a quarantine for another text than the present one has a change waiting": (
    { hash, quarantine, waits },
    _,
    { passedBy },
  ) => hash === null || quarantine === null || quarantine.hash === hash || waits || passedBy > 0,
  "a chunk is not quarantined and embedded at once": ({ vector, quarantine, waits }) =>
    vector === null || quarantine === null || waits,
  "a chunk that was written since the backfill began has a vector, a quarantine or a change": (
    chunk,
    { profile },
    { passedBy },
  ) =>
    chunk.content === null ||
    passedBy > 0 ||
    profile.state === "registered" ||
    chunk.id <= profile.backfillTarget ||
    isSettledOrWaiting(chunk),
  "no chunk of a backfilled profile is without vector, quarantine and change": (chunk, { profile }, { passedBy }) =>
    chunk.content === null || passedBy > 0 || profile.state !== "backfilled" || isSettledOrWaiting(chunk),
  "a chunk that the cursor has passed has a vector, a quarantine or a change, or is being processed": (
    chunk,
    { profile },
    world,
  ) => {
    if (chunk.content === null || profile.state !== "backfilling" || world.lossy) return true;
    const { backfillOrder, backfillCursor } = profile;
    const isPassed = backfillOrder === "newest" ? chunk.id >= backfillCursor : chunk.id <= backfillCursor;
    return !isPassed || isSettledOrWaiting(chunk) || isInHand(chunk.id, world);
  },
};

/** @throws Error that names a violated invariant, with the stored facts about the chunk. */
export function checkInvariants(facts: Facts, world: World): void {
  for (const chunk of facts.chunks) {
    for (const [sentence, holds] of Object.entries(invariants)) {
      if (!holds(chunk, facts, world)) throw broken(`It does not hold that ${sentence}.`, chunk, facts);
    }
  }
  checkCounts(facts, world);
}

/** The stored counts are right at any time, but for what has passed the triggers by. */
function checkCounts({ chunks, counts }: Facts, { passedBy }: World): void {
  const there = {
    chunks: chunks.filter(({ content }) => content !== null).length,
    vectors: chunks.filter(({ vector }) => vector !== null).length,
  };
  if (passedBy > 0 || (there.chunks === counts.chunks && there.vectors === counts.vectors)) return;
  throw new Error(`The stored counts are wrong: ${JSON.stringify(counts)} instead of ${JSON.stringify(there)}`);
}

/** Checks what must hold after everything has ended. */
export function checkEnd(facts: Facts): void {
  const { profile, chunks } = facts;
  for (const chunk of chunks) {
    const { content, hash, vector, quarantine, waits } = chunk;
    const kind = content === null ? undefined : findText(content)?.kind;
    if (waits) throw broken("At the end a change is left.", chunk, facts);
    const isEmbedded = vector !== null && vector.hash === hash;
    const isQuarantined = quarantine !== null && quarantine.hash === hash;
    if (!isEmbedded && !isQuarantined) throw broken("At the end it has neither a vector nor a reason.", chunk, facts);
    if (isEmbedded && kind !== "plain")
      throw broken("It has a vector although its text cannot be embedded.", chunk, facts);
  }
  if (chunks.length > 0 && profile.state !== "backfilled")
    throw new Error(`The backfill has not ended: ${JSON.stringify(profile)}`);
}

function isSettledOrWaiting({ vector, quarantine, waits }: ChunkFacts): boolean {
  return vector !== null || quarantine !== null || waits;
}

function isInHand(id: number, { queue, processes }: World): boolean {
  return queue.jobs.some((job) => job.data.chunkIds.includes(id)) || processes.some((p) => p.holding.includes(id));
}

function broken(sentence: string, chunk: ChunkFacts, { profile }: Facts): Error {
  const { state, backfillCursor, backfillTarget, backfillOrder, paused } = profile;
  const of = JSON.stringify({ state, backfillCursor, backfillTarget, backfillOrder, paused });
  return new Error(`${sentence}\n  chunk ${JSON.stringify(chunk)}\n  profile ${of}`);
}
