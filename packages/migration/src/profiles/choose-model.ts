import { catalogue, type Model, models, type Pooling, profiles, ReembedError, withSettings } from "@reembed/core";
import {
  exists,
  type FolderFacts,
  findModelFolder,
  installFolder,
  pinModel,
  readModelFolder,
} from "@reembed/embedder/models";
import { join, resolve } from "node:path";

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

async function fromCatalogue(model: Model, wish: ModelWish, modelsFolder: string): Promise<Model> {
  if (wish.id !== undefined && wish.id !== model.id) {
    throw refusal("model_unknown", `--id is for a folder; ${model.id} has its name.`);
  }
  const described = describe(model.id, model, wish);
  const pinned = await pinModel(model, modelsFolder);
  return withSettings({ ...model, ...described }, pinned.revision.split("+", 1)[0] ?? "");
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
    `The files of ${what} do not say everything about the model.`,
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
