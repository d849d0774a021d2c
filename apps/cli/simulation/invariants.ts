import type { ChunkFacts, Facts } from "./facts.ts";
import { findHash, findText, reasonOf } from "./texts.ts";
import type { World } from "./world.ts";

/** As the worker has it: so many workers may die of a chunk. */
const attemptsAtMost = 5;
/** As many workers may have read the same number of attempts before each counted its own. */
const workersAtMost = 5;

type Invariant = (chunk: ChunkFacts, facts: Facts, world: World) => boolean;

/** What holds of every chunk after every event. The names are sentences about a chunk. */
const invariants: Record<string, Invariant> = {
  "a vector of another text than the present one has a change waiting": ({ hash, vector, waits }, _, { passedBy }) =>
    hash === null || vector === null || vector.hash === hash || waits || passedBy > 0,
  "what is left of a chunk that is gone has a change waiting": (
    { content, vector, quarantine, waits },
    _,
    { passedBy },
  ) => content !== null || (vector === null && quarantine === null) || waits || passedBy > 0,
  "a vector is that of the text whose hash is stored with it": ({ vector }) =>
    vector === null || findHash(vector.hash)?.index === vector.dimension,
  "attempts are bounded": ({ attempts }) => (attempts ?? 0) <= attemptsAtMost + workersAtMost,
  "a quarantine has a reason that is true of its text": ({ id, quarantine }, _, world) => {
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
  "a chunk that the cursor has passed has a vector, a quarantine or a change, or somebody has it in hand": (
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

/** @throws Error with the invariants that do not hold, and what is stored of the chunks. */
export function checkInvariants(facts: Facts, world: World): void {
  for (const chunk of facts.chunks) {
    for (const [sentence, holds] of Object.entries(invariants)) {
      if (!holds(chunk, facts, world)) throw broken(`It does not hold that ${sentence}.`, chunk, facts);
    }
  }
}

/** What holds when nothing goes on any more. */
export function checkEnd(facts: Facts): void {
  const { profile, chunks } = facts;
  for (const chunk of chunks) {
    const { content, hash, vector, quarantine, waits } = chunk;
    const kind = content === null ? undefined : findText(content)?.kind;
    if (waits) throw broken("A change is left at the end.", chunk, facts);
    const isEmbedded = vector !== null && vector.hash === hash;
    const isQuarantined = quarantine !== null && quarantine.hash === hash;
    if (!isEmbedded && !isQuarantined) throw broken("It has neither vector nor reason at the end.", chunk, facts);
    if (isEmbedded && kind !== "plain") throw broken("It has a vector that nothing can compute.", chunk, facts);
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
