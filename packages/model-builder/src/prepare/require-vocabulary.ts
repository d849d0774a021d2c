import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { exists } from "@reembed/embedder/models";

interface TokenizerFile {
  /** A vocabulary gives each piece its id, or lists the pieces in the order of their ids (Unigram). */
  model?: { vocab?: Record<string, number> | readonly unknown[] };
  added_tokens?: readonly { id: number }[];
}

/**
 * Checks that the model has an embedding for each id of its tokenizer: otherwise texts with certain words would fail, or
 * take another word's embedding.
 * @param vocabulary Rows of the model's table of words.
 * @throws ReembedError `model_file_missing`, `tokenizer_invalid` or `tokenizer_differs` (exit code 2).
 */
export async function requireVocabulary(folder: string, vocabulary: number): Promise<void> {
  const path = join(folder, "tokenizer.json");
  if (!(await exists(path))) {
    throw unusable(
      "model_file_missing",
      `${folder} has no tokenizer.json.`,
      "Save the fast tokenizer there: AutoTokenizer.from_pretrained(…).save_pretrained(…).",
    );
  }
  const highest = highestId(await readTokenizer(path));
  if (highest < vocabulary) return;
  throw unusable(
    "tokenizer_differs",
    `${path} has ids up to ${highest}, and the model has embeddings of ${vocabulary} tokens (vocab_size in config.json).`,
    "Take tokenizer.json, config.json and the weights from one revision of one model.",
  );
}

async function readTokenizer(path: string): Promise<TokenizerFile> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as TokenizerFile;
  } catch (cause) {
    throw unusable("tokenizer_invalid", `${path} cannot be read as JSON.`, "Download the file again.", cause);
  }
}

function highestId({ model, added_tokens: added = [] }: TokenizerFile): number {
  const { vocab = {} } = model ?? {};
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab as Record<string, number>);
  return [...ids, ...added.map(({ id }) => id)].reduce((highest, id) => Math.max(highest, id), -1);
}

function unusable(code: string, message: string, remedy: string, cause?: unknown): ReembedError {
  return new ReembedError(code, message, { exitCode: 2, remedy, cause });
}
