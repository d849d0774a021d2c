import { join, resolve } from "node:path";
import {
  catalogue,
  filesRevision,
  type Model,
  models,
  type Pooling,
  profiles,
  ReembedError,
  unpinned,
  withSettings,
} from "@reembed/core";
import {
  exists,
  type FolderFacts,
  findModelFolder,
  installFolder,
  pinModel,
  readModelFolder,
} from "@reembed/embedder/models";

/** What somebody says about a model, beside what its files and the catalogue say. */
export interface ModelWish {
  /** A folder with its files, which become part of MODELS_DIR. */
  folder?: string | undefined;
  /** A model or a profile of the catalogue, or a folder below MODELS_DIR. */
  model?: string | undefined;
  /** Its name below MODELS_DIR. */
  id?: string | undefined;
  pooling?: Pooling | undefined;
  maxTokens?: number | undefined;
  /** Fewer than the model has: its vectors are cut to these. */
  dimensions?: number | undefined;
  queryPrompt?: string | undefined;
  passagePrompt?: string | undefined;
  /** Nobody knows the model: only its vectors are there, of these many dimensions. */
  asIs?: boolean | undefined;
  /** A server that has the model, and what it takes for a million tokens. */
  endpoint?: string | undefined;
  price?: number | undefined;
}

/**
 * Finds a model and describes it completely. The files of a folder are copied below MODELS_DIR, because workers read them
 * there.
 * @throws ReembedError `model_unknown`, `model_undescribed` or `dimensions_invalid` (exit code 2); ReembedError of
 * `findModelFolder`, `readModelFolder`, `installFolder` and `pinModel`.
 */
export async function chooseModel(wish: ModelWish, modelsFolder: string): Promise<Model> {
  const { folder, model } = wish;
  if (wish.asIs) return unknownModel(wish);
  if (wish.endpoint !== undefined) return servedModel({ ...wish, endpoint: wish.endpoint });
  if (wish.price !== undefined)
    throw refusal("model_undescribed", "--price is what a server takes: it needs --endpoint.");
  if ((folder === undefined) === (model === undefined)) {
    throw refusal("model_unknown", "Either --folder or --model must say which model it is.");
  }
  if (folder !== undefined) return await fromFolder(folder, wish, modelsFolder);
  const known = models.get(model ?? "") ?? profiles.get(model ?? "")?.model;
  if (known !== undefined) return await fromCatalogue(known, wish, modelsFolder);
  const placed = join(resolve(modelsFolder), model ?? "");
  if (await exists(placed)) return await fromFolder(placed, wish, modelsFolder);
  throw refusal(
    "model_unknown",
    `There is no model ${model}: it is not in the catalogue, and ${placed} does not exist.`,
    "`reembed model list --catalogue` shows the catalogue; --folder takes the folder of any other model.",
  );
}

/** @throws ReembedError `model_undescribed` without `--dimensions`. */
function unknownModel({ folder, model, dimensions }: ModelWish): Model {
  if (folder !== undefined || model !== undefined || dimensions === undefined) {
    throw refusal("model_undescribed", "--as-is needs --dimensions <n>, those of the vectors, and no model.");
  }
  return {
    ...{ id: "as-is", revision: `as-is-${dimensions}`, dimensions, outputDimensions: dimensions, maxTokens: 512 },
    ...{ pooling: "cls", prompts: { query: "", passage: "" }, bundled: false, unknown: true },
  };
}

/**
 * A model that a server has, which is called by its name there. What the catalogue does not say about it, somebody says;
 * it wants no prompts unless they are given.
 * @throws ReembedError `endpoint_invalid` or `model_undescribed` that names every flag that is missing.
 */
function servedModel(wish: ModelWish & { endpoint: string }): Model {
  const { folder, model, id, endpoint, price: pricePerMillion } = wish;
  if (folder !== undefined || model !== undefined || id === undefined) {
    throw refusal(
      "model_undescribed",
      "--endpoint needs --id, the server's name for the model, and no folder or model.",
    );
  }
  requireAddress(endpoint);
  const known = models.get(id);
  // Nobody here pools: the server does.
  const unknown = {
    pooling: "mean",
    prompts: { query: "", passage: "" },
    maxTokens: undefined,
    dimensions: undefined,
  } as const;
  const described = describe(id, known ?? unknown, wish);
  const server = { address: endpoint, servedName: id, ...(pricePerMillion === undefined ? {} : { pricePerMillion }) };
  const files = known === undefined || known.revision === unpinned ? "served" : filesRevision(known.revision);
  // Ollama's names have colons, which are no part of a folder's name.
  const own = id.replaceAll(/[^\w./-]/g, "-");
  return withSettings({ id: own, ...described, bundled: false, endpoint: server }, files);
}

function requireAddress(endpoint: string): void {
  const url = URL.parse(endpoint);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return;
  throw refusal(
    "endpoint_invalid",
    "--endpoint must be an address like http://tei:8080/v1, without user and password.",
  );
}

async function fromCatalogue(model: Model, wish: ModelWish, modelsFolder: string): Promise<Model> {
  if (wish.id !== undefined && wish.id !== model.id) {
    throw refusal("model_unknown", `--id is for a folder; ${model.id} has its name.`);
  }
  const described = describe(model.id, model, wish);
  const pinned = await pinModel(model, modelsFolder);
  return withSettings({ ...model, ...described }, filesRevision(pinned.revision));
}

async function fromFolder(given: string, wish: ModelWish, modelsFolder: string): Promise<Model> {
  const source = await findModelFolder(given, modelsFolder);
  const id = wish.id ?? source.id;
  const entry = models.get(id);
  if (entry?.bundled) {
    throw refusal(
      "model_taken",
      `${id} is a stand-in that comes with Reembed.`,
      "Give your model another name with --id.",
    );
  }
  const facts = await readModelFolder(source.folder);
  const described = describe(given, { ...facts, prompts: facts.prompts ?? entry?.prompts }, wish);
  const { revision } = await installFolder(source, id, modelsFolder);
  return withSettings({ id, ...described, bundled: false }, revision);
}

/** @throws ReembedError `model_undescribed` that names every flag that is missing, or `dimensions_invalid`. */
function describe(
  what: string,
  facts: Pick<FolderFacts, "pooling" | "maxTokens" | "prompts" | "dimensions"> & {
    outputDimensions?: number | undefined;
  },
  wish: ModelWish,
): Pick<Model, "dimensions" | "outputDimensions" | "maxTokens" | "pooling" | "prompts"> {
  const own = facts.outputDimensions ?? facts.dimensions ?? wish.dimensions;
  const pooling = wish.pooling ?? facts.pooling;
  const maxTokens = wish.maxTokens ?? facts.maxTokens;
  const query = wish.queryPrompt ?? facts.prompts?.query;
  const passage = wish.passagePrompt ?? facts.prompts?.passage;
  if (
    own === undefined ||
    pooling === undefined ||
    maxTokens === undefined ||
    query === undefined ||
    passage === undefined
  ) {
    throw undescribed(what, {
      "--dimensions <n>": own,
      "--max-tokens <n>": maxTokens,
      "--pooling <cls, mean or last>": pooling,
      "--query-prompt <text>": query,
      "--passage-prompt <text>": passage,
    });
  }
  const dimensions = wish.dimensions ?? own;
  if (dimensions > own) {
    throw refusal("dimensions_invalid", `--dimensions is ${dimensions}, and ${what} has ${own}.`);
  }
  if (facts.maxTokens !== undefined && maxTokens > facts.maxTokens) {
    throw refusal("tokens_invalid", `--max-tokens is ${maxTokens}, and ${what} reads ${facts.maxTokens}.`);
  }
  return { dimensions, outputDimensions: own, maxTokens, pooling, prompts: { query, passage } };
}

function undescribed(what: string, flags: Record<string, unknown>): ReembedError {
  const missing = Object.keys(flags).filter((flag) => flags[flag] === undefined);
  return refusal(
    "model_undescribed",
    `Not everything about ${what} is known.`,
    `Add ${missing.join(" ")}. Its model card says what; an empty prompt is "".`,
  );
}

function refusal(code: string, message: string, remedy?: string): ReembedError {
  return new ReembedError(code, message, { exitCode: 2, ...(remedy === undefined ? {} : { remedy }) });
}

/** What the catalogue says about a model besides what is needed to run it. */
export function catalogueEntry(id: string): (typeof catalogue)[number] | undefined {
  return catalogue.find((entry) => entry.id === id);
}
