/** How token vectors become one vector: the first token's vector, the mean of all, or the last token's vector. */
export type Pooling = "cls" | "mean" | "last";

/** What the model wants before each text, such as `query: `; empty for a model that wants nothing. */
export interface Prompts {
  query: string;
  passage: string;
}

/** A server that runs a model, with OpenAI's `POST /embeddings` below its address. */
interface ModelEndpoint {
  address: string;
  /** The server's name for the model; by default the model's id. */
  servedName?: string | undefined;
  pricePerMillion?: number | undefined;
}

/** What an embedding model is, apart from its files. */
export interface Model {
  /** Repository on the Hugging Face hub; for a stand-in that ships with Reembed, the name of its folder. */
  id: string;
  /** Commit of the repository: vectors of two revisions are not comparable. */
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

const noPrompts: Prompts = { query: "", passage: "" };

const registry: readonly Model[] = [
  {
    id: "cointegrated/rubert-tiny2",
    revision: "dad72b8f77c5eef6995dd3e4691b758ba56b90c3",
    dimensions: 312,
    outputDimensions: 312,
    maxTokens: 512,
    pooling: "cls",
    prompts: noPrompts,
    bundled: false,
  },
  {
    id: "BAAI/bge-m3",
    revision: "5617a9f61b028005a4858fdac845db406aefb181",
    dimensions: 1024,
    outputDimensions: 1024,
    maxTokens: 8192,
    pooling: "cls",
    prompts: noPrompts,
    bundled: false,
  },
  {
    id: "mini-rubert",
    revision: "trained-1",
    dimensions: 312,
    outputDimensions: 312,
    maxTokens: 512,
    pooling: "cls",
    prompts: noPrompts,
    bundled: true,
  },
  {
    id: "mini-m3",
    revision: "trained-1",
    dimensions: 1024,
    outputDimensions: 1024,
    maxTokens: 8192,
    pooling: "cls",
    prompts: noPrompts,
    bundled: true,
  },
];

export const models: ReadonlyMap<string, Model> = new Map(registry.map((model) => [model.id, model]));
