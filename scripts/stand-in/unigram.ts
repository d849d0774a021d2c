import type { Piece } from "./pieces.ts";
import { addedTokens, type StandInTokenizer } from "./tokenizer.ts";

const specials = ["<s>", "<pad>", "</s>", "<unk>"];

/** A lower-cased XLM-RoBERTa tokenizer, laid out as that of BAAI/bge-m3. A piece's score is its log frequency. */
export function unigramTokenizer(pieces: readonly Piece[], maxTokens: number): StandInTokenizer {
  const total = pieces.reduce((sum, { count }) => sum + count, 0);
  const scored = pieces.map(({ text, start, count }) => [
    start ? `▁${text}` : text,
    Number(Math.log(count / total).toFixed(3)),
  ]);
  const specialTokens = {
    bos_token: "<s>",
    cls_token: "<s>",
    eos_token: "</s>",
    pad_token: "<pad>",
    sep_token: "</s>",
    unk_token: "<unk>",
  };
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: addedTokens(specials),
      normalizer: {
        type: "Sequence",
        normalizers: [
          { type: "NFKC" },
          { type: "Replace", pattern: { Regex: "\\p{Cf}" }, content: "" },
          { type: "Lowercase" },
          { type: "Replace", pattern: { String: "ё" }, content: "е" },
        ],
      },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "WhitespaceSplit" },
          // XLM-RoBERTa keeps punctuation on its word; split off, a quoted word is the piece that an unquoted one is.
          { type: "Punctuation", behavior: "Isolated" },
          { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
        ],
      },
      post_processor: {
        type: "TemplateProcessing",
        single: [special("<s>"), sequence("A"), special("</s>")],
        pair: [special("<s>"), sequence("A"), special("</s>"), special("</s>"), sequence("B"), special("</s>")],
        special_tokens: Object.fromEntries(
          ["<s>", "</s>"].map((token) => [token, { id: token, ids: [specials.indexOf(token)], tokens: [token] }]),
        ),
      },
      decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
      model: {
        type: "Unigram",
        unk_id: specials.indexOf("<unk>"),
        vocab: [...specials.map((token) => [token, 0]), ...scored],
        byte_fallback: false,
      },
    },
    tokenizerConfig: { tokenizer_class: "XLMRobertaTokenizer", model_max_length: maxTokens, ...specialTokens },
    specialTokens,
  };
}

function special(id: string): object {
  return { SpecialToken: { id, type_id: 0 } };
}

function sequence(id: string): object {
  return { Sequence: { id, type_id: 0 } };
}
