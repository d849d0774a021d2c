import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Model, type Pooling, type Prompts, ReembedError } from "@reembed/core";
import { exists } from "./model-files.ts";

type Json = Record<string, unknown>;

/** What a folder in Hugging Face layout says about its model; undefined what it does not say. */
export type FolderFacts = { [Name in "dimensions" | "maxTokens" | "pooling" | "prompts"]: Model[Name] | undefined };

/**
 * Reads what the files of a model say: config.json, the modules of sentence-transformers and their prompts, and the limits
 * of its tokenizer.
 * @throws ReembedError `model_unusable` (exit code 2) for a pooling or prompts that cannot be used as they are.
 */
export async function readModelFolder(folder: string): Promise<FolderFacts> {
  const config = await readJson(folder, "config.json");
  const { pooling, dense } = await readModules(folder);
  const hidden = numberOf(config, ["hidden_size", "d_model", "dim", "n_embd"]);
  const dimensions =
    dense === undefined ? hidden : numberOf(await readJson(folder, `${dense}/config.json`), ["out_features"]);
  return {
    dimensions,
    maxTokens: await readMaxTokens(folder, config),
    pooling:
      pooling === undefined ? undefined : poolingOf(folder, pooling, await readJson(folder, `${pooling}/config.json`)),
    prompts: promptsOf(await readJson(folder, "config_sentence_transformers.json")),
  };
}

/** The folders of the modules that follow the encoder. Without modules.json, those that sentence-transformers names. */
async function readModules(folder: string): Promise<{ pooling: string | undefined; dense: string | undefined }> {
  const modules = await readJson(folder, "modules.json");
  if (!Array.isArray(modules)) {
    const there = async (name: string) => ((await exists(join(folder, name, "config.json"))) ? name : undefined);
    return { pooling: await there("1_Pooling"), dense: await there("2_Dense") };
  }
  const pathOf = (kind: string) =>
    (modules as { type?: string; path?: string }[]).findLast(({ type }) => type?.split(".").at(-1) === kind)?.path;
  return { pooling: pathOf("Pooling"), dense: pathOf("Dense") };
}

const poolings: Record<string, Pooling> = {
  pooling_mode_cls_token: "cls",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_lasttoken: "last",
  cls: "cls",
  mean: "mean",
  lasttoken: "last",
};

function poolingOf(folder: string, module: string, config: Json): Pooling | undefined {
  const flags = Object.keys(config).filter((name) => name.startsWith("pooling_mode_") && config[name] === true);
  const modes = typeof config.pooling_mode === "string" ? [config.pooling_mode] : flags;
  if (modes.length === 0) return undefined;
  const [mode = ""] = modes;
  const known = poolings[mode];
  if (modes.length === 1 && known !== undefined) return known;
  throw new ReembedError(
    "model_unusable",
    `${join(folder, module, "config.json")} asks for the pooling ${modes.join(" and ")}; Reembed knows the first token, the mean and the last token.`,
    { exitCode: 2, remedy: "Serve the model by an embedding server, and set EMBEDDING_ENDPOINT." },
  );
}

const queryNames = ["query", "search_query", "s2p_query", "web_search_query"];
const passageNames = ["passage", "document", "search_document", "corpus"];

/** Prompts by the names that sentence-transformers and the models' authors give them; without any, a model wants none. */
function promptsOf({ prompts, default_prompt_name: byDefault }: Json): Prompts | undefined {
  const all = Object.entries((prompts ?? {}) as Record<string, unknown>).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const named = new Map(all);
  const pick = (names: readonly string[]) =>
    names.map((name) => named.get(name)).find((prompt) => prompt !== undefined);
  const usual = typeof byDefault === "string" ? named.get(byDefault) : undefined;
  const query = pick(queryNames) ?? usual;
  const passage = pick(passageNames) ?? usual;
  if (query === undefined && passage === undefined && all.some(([, prompt]) => prompt !== "")) return undefined;
  return { query: query ?? "", passage: passage ?? "" };
}

/** sentence-transformers limits many models to fewer tokens than their tokenizer allows, or than they have positions. */
async function readMaxTokens(folder: string, config: Json): Promise<number | undefined> {
  const sentences = await readJson(folder, "sentence_bert_config.json");
  const tokenizer = await readJson(folder, "tokenizer_config.json");
  const positions = numberOf(config, ["max_position_embeddings", "n_positions", "max_seq_len"]);
  // RoBERTa counts positions from the one after the padding's id.
  const unused = /roberta|mpnet|camembert/.test(String(config.model_type)) ? Number(config.pad_token_id ?? 1) + 1 : 0;
  const limits = [
    numberOf(sentences, ["max_seq_length"]),
    numberOf(tokenizer, ["model_max_length"]),
    positions === undefined ? undefined : positions - unused,
  ];
  // Tokenizers without a limit have 10^30.
  const real = limits.filter((limit): limit is number => limit !== undefined && limit < 1_000_000);
  return real.length === 0 ? undefined : Math.min(...real);
}

function numberOf(config: Json, names: readonly string[]): number | undefined {
  return names.map((name) => config[name]).find((value): value is number => typeof value === "number" && value > 0);
}

/** @throws ReembedError `model_unusable` (exit code 2) for a file that is not JSON; a file that is not there is empty. */
async function readJson(folder: string, name: string): Promise<Json> {
  const path = join(folder, name);
  if (!(await exists(path))) return {};
  try {
    return JSON.parse(await readFile(path, "utf8")) as Json;
  } catch (cause) {
    throw new ReembedError("model_unusable", `${path} cannot be read as JSON.`, { exitCode: 2, cause });
  }
}
