import { type ListFileEntry, listFiles } from "@huggingface/hub";
import { ReembedError } from "@reembed/core";
import { weightKinds } from "../models/weight-kinds.ts";
import type { HubFile } from "./hub-file.ts";
import { type ModelSource, requestHub, unreachable } from "./hub-request.ts";
import { retryTransient } from "./retry-transient.ts";

// Configuration and tokenizer. A repository's own manifest.json is left out: it would be mistaken for ours.
const rootFile = /^(?!manifest\.json$|.*\.index\.json$)([\w.-]+\.json|sentencepiece\.bpe\.model|vocab\.txt)$/;
// The modules of sentence-transformers that follow the encoder.
const moduleFile = /^(1_Pooling\/config\.json|2_Dense\/[\w.-]+)$/;
/** The files of the model's repository at its revision that inference or `model prepare` needs. */
export async function listModelFiles(source: ModelSource): Promise<HubFile[]> {
  const entries = await retryTransient(() => readTree(source), source);
  const files = entries.filter(({ type }) => type === "file");
  // Only the first kind of weights that the repository has is pulled: for bge-m3 each kind takes 2.3 GB.
  const chosen = weightKinds.find(({ main }) => files.some(({ path }) => path === main));
  const wanted = [rootFile, moduleFile, ...(chosen === undefined ? [] : [chosen.files])];
  return files.filter(({ path }) => wanted.some((pattern) => pattern.test(path))).map(hubFile);
}

async function readTree(source: ModelSource): Promise<ListFileEntry[]> {
  const { model, hub } = source;
  // requestHub adds the token: the library accepts only tokens that begin with "hf_", and a mirror's may not.
  const tree = listFiles({
    repo: { type: "model", name: model.id },
    revision: model.revision,
    recursive: true,
    hubUrl: hub.endpoint,
    fetch: (url) => requestHub(source, String(url)),
  });
  try {
    return await Array.fromAsync(tree);
  } catch (error) {
    // Any other error means a truncated body, or a login page in place of the listing.
    throw error instanceof ReembedError ? error : unreachable(source, error);
  }
}

function hubFile({ path, size, oid, lfs }: ListFileEntry): HubFile {
  if (lfs !== undefined) return { path, sizeBytes: lfs.size, algorithm: "sha256", hash: lfs.oid };
  if (oid === undefined) throw new ReembedError("hub_failed", `The hub lists ${path} without its hash.`);
  return { path, sizeBytes: size, algorithm: "git-sha1", hash: oid };
}
