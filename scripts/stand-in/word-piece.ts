import type { Piece } from "./pieces.ts";
import { addedTokens, type StandInTokenizer } from "./tokenizer.ts";

const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/** A lower-cased BERT tokenizer, laid out as that of cointegrated/rubert-tiny2. */
export function wordPieceTokenizer(pieces: readonly Piece[], maxTokens: number): StandInTokenizer {
  const vocabulary = [...specials, ...pieces.map(({ text, start }) => (start ? text : `##${text}`))];
  const specialTokens = {
    cls_token: "[CLS]",
    mask_token: "[MASK]",
    pad_token: "[PAD]",
    sep_token: "[SEP]",
    unk_token: "[UNK]",
  };
  const bert = { clean_text: true, handle_chinese_chars: true, strip_accents: false, lowercase: true };
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
          { type: "BertNormalizer", ...bert },
          { type: "Replace", pattern: { String: "ё" }, content: "е" },
        ],
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      post_processor: {
        type: "BertProcessing",
        sep: ["[SEP]", specials.indexOf("[SEP]")],
        cls: ["[CLS]", specials.indexOf("[CLS]")],
      },
      decoder: { type: "WordPiece", prefix: "##", cleanup: true },
      model: {
        type: "WordPiece",
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      },
    },
    tokenizerConfig: {
      tokenizer_class: "BertTokenizer",
      do_lower_case: true,
      strip_accents: false,
      tokenize_chinese_chars: true,
      model_max_length: maxTokens,
      ...specialTokens,
    },
    specialTokens,
  };
}
