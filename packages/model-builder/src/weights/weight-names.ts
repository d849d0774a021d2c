import { ReembedError } from "@reembed/core";

const anchor = "embeddings.word_embeddings.weight";

/**
 * The prefix of `embeddings.` in the names of a file: nothing, `bert.`, `roberta.`, `0.auto_model.`, …
 * @throws ReembedError `weights_unsupported` if there are several encoders, because either could be meant.
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

/** The possible names of a tensor: checkpoints converted from TensorFlow have LayerNorm's gamma and beta. */
export function spellingsOf(prefix: string, name: string): string[] {
  const old = name.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta");
  return [...new Set([name, old])].map((spelling) => prefix + spelling);
}

/** Whether PyTorch stores the tensor as [out, in], the transpose of what MatMul takes. Embeddings are not such weights. */
export function isLinearWeight(name: string): boolean {
  return /(^|\.)(query|key|value|dense|linear)\.weight$/.test(name);
}
