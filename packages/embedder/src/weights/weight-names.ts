import { ReembedError } from "@reembed/core";

const anchor = "embeddings.word_embeddings.weight";

/**
 * What stands before `embeddings.` in the names of a file: nothing, `bert.`, `roberta.`, `0.auto_model.`, …
 * @throws ReembedError `weights_unsupported` when there are several encoders: which is meant cannot be told.
 */
export function prefixOf(path: string, names: Iterable<string>): string {
  const anchors = [...names].filter((name) => name === anchor || name.endsWith(`.${anchor}`));
  if (anchors.length > 1) {
    throw new ReembedError("weights_unsupported", `${path} holds several encoders: ${anchors.join(", ")}.`, {
      remedy: "Save the one that embeds documents in a folder of its own.",
    });
  }
  return anchors[0]?.slice(0, -anchor.length) ?? "";
}

/** The names a file may have for a tensor: checkpoints converted from TensorFlow call LayerNorm's gamma and beta. */
export function spellingsOf(prefix: string, name: string): string[] {
  const old = name.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta");
  return [...new Set([name, old])].map((spelling) => prefix + spelling);
}

/** Whether PyTorch keeps the tensor as [out, in], the transpose of what MatMul takes. Embeddings are no such weights. */
export function isLinearWeight(name: string): boolean {
  return /(^|\.)(query|key|value|dense|linear)\.weight$/.test(name);
}
