/** How token vectors become one vector: the first token's vector, the mean of all, or the last token's vector. */
export type Pooling = "cls" | "mean" | "last";

/** What the model wants before each text, such as `query: `; empty for a model that wants nothing. */
export interface Prompts {
  query: string;
  passage: string;
}

/** A server that runs a model, with OpenAI's `POST /embeddings` below its address. */
export interface ModelEndpoint {
  address: string;
  /** The server's name for the model; by default the model's id. */
  servedName?: string | undefined;
  pricePerMillion?: number | undefined;
}

/** What an embedding model is, apart from its files. */
export interface Model {
  /** Repository on the Hugging Face hub, or the folder of its files below MODELS_DIR, or the name of a stand-in. */
  id: string;
  /**
   * Which files, such as a commit of the repository, and after a `+` which settings; see `withSettings`. Vectors of two
   * revisions are not comparable.
   */
  revision: string;
  /** Dimensions of a stored vector. */
  dimensions: number;
  /** Dimensions that the graph emits. With more than `dimensions`, vectors are cut to their beginning (Matryoshka). */
  outputDimensions: number;
  /** Tokens that the encoder reads, special tokens included; longer texts are truncated. */
  maxTokens: number;
  pooling: Pooling;
  prompts: Prompts;
  /** Ships in `models/` of this repository instead of being pulled. */
  bundled: boolean;
  /** Where it runs, if it has no files that run here. */
  endpoint?: ModelEndpoint | undefined;
  /** Nobody can embed with it: only vectors that it made are known. */
  unknown?: true | undefined;
}

/** The revision of a catalogue's model whose commit is not in the catalogue: that of its files is taken, when it is used. */
export const unpinned = "main";

/** Tells the models apart that a process has loaded: two of them may be revisions of one. */
export function modelKey(id: string, revision: string): string {
  return `${id} ${revision}`;
}

/** The part of a model's revision that says which files it has. */
export function filesRevision(revision: string): string {
  return revision.split("+", 1)[0] ?? revision;
}

/**
 * The model at these files. Its revision also has a hash of what vectors depend on besides the files, so that vectors with
 * another prompt never mix with the ones that are there. A model that takes the first token, whole and without prompts, has
 * no hash: such were all models before these were settings.
 */
export function withSettings(model: Omit<Model, "revision">, files: string): Model {
  const { pooling, prompts, dimensions, outputDimensions } = model;
  const length = dimensions === outputDimensions ? null : dimensions;
  const plain = pooling === "cls" && prompts.query === "" && prompts.passage === "" && length === null;
  const settings = JSON.stringify([pooling, prompts.query, prompts.passage, length]);
  return { ...model, revision: plain ? files : `${files}+${shortHash(settings)}` };
}

/** Whether a name of a folder or a repository is safe as a path: two parts at most, of ordinary characters. */
export function isModelId(id: string): boolean {
  return /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)?$/.test(id) && !id.includes("..");
}

/** 53 bits of cyrb53, a hash without imports. It tells a few settings of one model apart and guards nothing. */
function shortHash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return ((low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0")).slice(0, 10);
}
