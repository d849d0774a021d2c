import type { Pooling } from "@reembed/core";
import type { ModelWish } from "@reembed/migration/profiles";
import { type Command, Option } from "commander";
import { wholeNumberFrom } from "../options.ts";

export type ModelFlags = Omit<ModelWish, "folder" | "model">;

/** The options with which somebody says what a model's files do not say, or says it otherwise. */
export function addModelOptions(command: Command): Command {
  return command
    .option("--id <id>", "its name below MODELS_DIR (default: the folder's)")
    .addOption(poolingOption())
    .option("--max-tokens <n>", "tokens that it reads", wholeNumberFrom(8))
    .option("--dimensions <n>", "cut its vectors to these many (Matryoshka)", wholeNumberFrom(1))
    .option("--query-prompt <text>", "what it wants before a query; an empty text for nothing")
    .option("--passage-prompt <text>", "what it wants before a passage");
}

export function poolingOption(): Option {
  const poolings: readonly Pooling[] = ["cls", "mean", "last"];
  return new Option("--pooling <how>", "how token vectors become one vector (default: as its files say)").choices(
    poolings,
  );
}
