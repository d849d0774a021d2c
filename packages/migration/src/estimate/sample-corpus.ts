import { assembleText, chunkText, type Profile, ReembedError } from "@reembed/core";
import { readAdoption } from "@reembed/store/adoption";
import { sampleChunks } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import {
  hasUncutDocuments,
  readChunkTotals,
  readDocumentTotals,
  sampleAdopted,
  sampleBodies,
} from "@reembed/store/progress";

/** A random sample of chunks or documents, with the size of the whole. */
export interface CorpusSample {
  drawn: "chunks" | "documents";
  /** Number of all chunks or documents. */
  count: number;
  bytes: number;
  /** Each with its size and the texts that are embedded from it: a chunk's own text, or all chunks of a document. */
  units: { bytes: number; texts: string[] }[];
}

/** Documents vary more than chunks. */
const documentsAtLeast = 50;

/**
 * A random sample of about `size` chunks of the profile's chunking. Before all documents are cut, documents are sampled and
 * cut here in memory; for an adopted corpus these are assembled from its chunks.
 * @throws ReembedError `corpus_empty` (exit code 3).
 */
export async function sampleCorpus(
  database: Database,
  profile: Profile,
  registered: RegisteredProfile,
  size: number,
): Promise<CorpusSample> {
  const uncut = registered.source === null && (await hasUncutDocuments(database, registered));
  const sample = uncut ? await sampleDocuments(database, profile, size) : await sampleCut(database, registered, size);
  if (sample.units.some(({ texts }) => texts.length > 0)) return sample;
  throw new ReembedError("corpus_empty", `There is nothing to embed for ${profile.name}: the corpus has no text.`, {
    exitCode: 3,
    remedy: "Load documents with `reembed load`, or adopt a table with `reembed adopt`.",
  });
}

async function sampleCut(database: Database, registered: RegisteredProfile, size: number): Promise<CorpusSample> {
  const chunks = await sampleChunks(database, registered, size);
  const units = chunks.map(({ content }) => ({ bytes: Buffer.byteLength(content), texts: [content] }));
  return { drawn: "chunks", ...(await readChunkTotals(database, registered)), units };
}

async function sampleDocuments(database: Database, { chunking }: Profile, size: number): Promise<CorpusSample> {
  const cut = (body: string) => chunkText(body, chunking).map(({ content }) => content);
  const adoption = await readAdoption(database);
  const { count, bytes: ownBytes } = await readDocumentTotals(database);
  const bytes = adoption === undefined ? ownBytes : (await readChunkTotals(database, adoption)).bytes;
  // A character takes at least one byte, so documents have at most this many chunks on average.
  const perDocument = Math.max(1, bytes / count / (chunking.size - chunking.overlap));
  const wanted = Math.max(documentsAtLeast, Math.ceil(size / perDocument));
  const units =
    adoption === undefined
      ? (await sampleBodies(database, wanted)).map((body) => ({ bytes: Buffer.byteLength(body), texts: cut(body) }))
      : (await sampleAdopted(database, adoption, wanted)).map((contents) => ({
          bytes: contents.reduce((sum, content) => sum + Buffer.byteLength(content), 0),
          texts: cut(assembleText(contents, adoption.overlap).body),
        }));
  return { drawn: "documents", count, bytes, units };
}
