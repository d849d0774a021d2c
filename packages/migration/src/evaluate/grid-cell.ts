import type { ScoredChunk } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readKnownProfiles, readProfiles } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { type Contender, type Progress, rankAll } from "./contender.ts";
import { buildingCommands, crossedProfile } from "./crossed-profile.ts";
import { embedCorpus, searchCorpus } from "./memory-corpus.ts";

/** Maximum number of chunks to embed in this process for one cell. */
const mostGridChunks = 20_000;

/** The results of one model on the other profile's chunks. */
export interface RankedCell {
  profile: string;
  /** Where its vectors are stored. */
  builtIn: "database" | "memory";
  rankings: ScoredChunk[][];
}

/** A cell that does not exist, and the commands that build it. */
export interface MissingCell {
  profile: string;
  chunks: number;
  /** Empty if it cannot be registered because its chunking was adopted. */
  commands: string[];
}

export interface GridCellOptions {
  database: Database;
  /** Embeds a missing cell in this process. */
  inMemory: boolean;
  progress: Progress;
}

/**
 * Ranks the chunks of another profile by the model's query vectors. The limit of results is that of the chunks' profile:
 * so many chunks of that size are one answer, and a model must not gain from a different number.
 */
export async function rankCell(
  { profile, embedder, vectors }: Contender & { vectors: readonly Float32Array[] },
  chunks: RegisteredProfile,
  { database, inMemory, progress }: GridCellOptions,
): Promise<RankedCell | MissingCell> {
  const { profiles } = await readKnownProfiles(database);
  const crossed = crossedProfile(profile, chunks, profiles);
  const name = crossed?.name ?? `${profile.name} on ${chunks.chunking}`;
  const stored = await findCovered(database, name, chunks.chunking);
  const { limit } = chunks;
  if (stored !== undefined) {
    const rankings = await rankAll(database, stored, vectors, { search: "exact", limit, progress });
    return { profile: name, builtIn: "database", rankings };
  }
  const { chunks: count } = await readCoverage(database, chunks);
  if (!inMemory || count > mostGridChunks) {
    return { profile: name, chunks: count, commands: crossed === undefined ? [] : buildingCommands(crossed, profiles) };
  }
  const onProgress = (done: number) => progress(`embedding ${name}`, done, count);
  const corpus = await embedCorpus(database, chunks, { embedder, onProgress });
  const rankings = vectors.map((vector) => searchCorpus(corpus, vector, limit));
  return { profile: name, builtIn: "memory", rankings };
}

async function findCovered(database: Database, name: string, chunking: string): Promise<RegisteredProfile | undefined> {
  const stored = (await readProfiles(database)).find((profile) => profile.name === name);
  if (stored?.chunking !== chunking) return undefined;
  const { embedded, pending } = await readCoverage(database, stored);
  return embedded > 0 && pending === 0 ? stored : undefined;
}
