import catalogue from "./catalogue.json" with { type: "json" };
import { type Model, type ModelEndpoint, type Pooling, type Prompts, unpinned, withSettings } from "./model.ts";

/** A well-known model, with the profile that carries its name. `docs/models.md` explains the fields. */
export interface CatalogueEntry {
  profile: string;
  id: string;
  /** Commit of the repository; null if it is not known, and the revision is then that of the files that are used. */
  revision: string | null;
  runs: "files" | "endpoint" | "bundled";
  dimensions: number;
  /** Shorter lengths to which its vectors may be cut. */
  shorter?: readonly number[];
  maxTokens: number;
  pooling: Pooling | null;
  /** Whether the model itself scales its vectors to length 1. Reembed does in any case. */
  normalised: boolean;
  distance: "cosine" | "dot";
  prompts: Prompts;
  licence: string;
  endpoint?: ModelEndpoint;
  /** How its profile cuts and searches; by default as fits its tokens. */
  search?: { chunkSize: number; chunkOverlap: number; limit: number; threshold: number };
  /** Where the figures were read. */
  sources: readonly string[];
  /** The figures that no source confirmed. */
  unchecked: readonly string[];
  note?: string;
}

export const entries: readonly CatalogueEntry[] = catalogue as readonly CatalogueEntry[];

/** The catalogue's models, by id. */
export const models: ReadonlyMap<string, Model> = new Map(entries.map((entry) => [entry.id, modelOf(entry)]));

function modelOf(entry: CatalogueEntry): Model {
  const { id, dimensions, maxTokens, prompts, endpoint } = entry;
  const model = {
    ...{ id, dimensions, outputDimensions: dimensions, maxTokens, prompts },
    pooling: entry.pooling ?? "mean",
    bundled: entry.runs === "bundled",
    ...(endpoint === undefined ? {} : { endpoint }),
  };
  return entry.revision === null ? { ...model, revision: unpinned } : withSettings(model, entry.revision);
}
