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

/** Parts of BertModel's names, and what DistilBertModel and MPNetModel call them; the longer ones first. */
const distilBert: readonly (readonly [string, string])[] = [
  ["encoder.layer.", "transformer.layer."],
  ["attention.self.query", "attention.q_lin"],
  ["attention.self.key", "attention.k_lin"],
  ["attention.self.value", "attention.v_lin"],
  ["attention.output.dense", "attention.out_lin"],
  ["attention.output.LayerNorm", "sa_layer_norm"],
  ["intermediate.dense", "ffn.lin1"],
  ["output.dense", "ffn.lin2"],
  ["output.LayerNorm", "output_layer_norm"],
];
const mpnet: readonly (readonly [string, string])[] = [
  ["attention.self.query", "attention.attn.q"],
  ["attention.self.key", "attention.attn.k"],
  ["attention.self.value", "attention.attn.v"],
  ["attention.output.dense", "attention.attn.o"],
  ["attention.output.LayerNorm", "attention.LayerNorm"],
];

/** The possible names of a tensor: checkpoints converted from TensorFlow have LayerNorm's gamma and beta. */
export function spellingsOf(prefix: string, name: string): string[] {
  const old = name.replace(/LayerNorm\.weight$/, "LayerNorm.gamma").replace(/LayerNorm\.bias$/, "LayerNorm.beta");
  const others = [distilBert, mpnet].map((parts) => translate(name, parts));
  return [...new Set([name, old, ...others])].map((spelling) => prefix + spelling);
}

function translate(name: string, parts: readonly (readonly [string, string])[]): string {
  return parts.reduce((renamed, [from, to]) => renamed.replace(from, to), name);
}

/** Whether PyTorch stores the tensor as [out, in], the transpose of what MatMul takes. Embeddings are not such weights. */
export function isLinearWeight(name: string): boolean {
  return /(^|\.)(query|key|value|dense|linear)\.weight$/.test(name);
}
