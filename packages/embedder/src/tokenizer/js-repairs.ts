import type { Tokenizer } from "@huggingface/tokenizers";

/** A part of tokenizer.json, and the parts of a sequence of them. */
interface Step {
  type: string;
  normalizers?: Step[];
  pretokenizers?: Step[];
  [setting: string]: unknown;
}

export interface TokenizerJson {
  normalizer: Step | null;
  pre_tokenizer: Step | null;
}

/** In both, a character of ASCII that is neither letter, digit, space nor control character is punctuation too. */
const punctuation = "[\\p{P}!-/:-@\\[-`{-~]";
/** Beyond U+FFFF of what BERT calls Chinese; the native tokenizer begins the last block but one at U+2B920. */
const rareChinese =
  "[\\u{20000}-\\u{2A6DF}\\u{2A700}-\\u{2B73F}\\u{2B740}-\\u{2B81F}\\u{2B920}-\\u{2CEAF}\\u{2F800}-\\u{2FA1F}]";

/**
 * Writes steps that `@huggingface/tokenizers` 0.2.0 does otherwise than the native tokenizer in the words of others that
 * it does alike. Over the handbook of the demo and mini-m3 that makes 0 texts of 97 differ instead of all of them.
 */
export function repairSteps(json: TokenizerJson): TokenizerJson {
  return {
    ...json,
    normalizer: json.normalizer && repairNormalizer(json.normalizer),
    pre_tokenizer: json.pre_tokenizer && repairPreTokenizer(json.pre_tokenizer),
  };
}

/** Unknown pieces next to each other become one within a word; the port joins those of neighbouring words as well. */
export function repairUnknowns({ model }: Tokenizer): void {
  if (model === null) return;
  const ofWords = model._call.bind(model);
  model._call = (words: string[]) => words.flatMap((word) => ofWords([word]));
}

function repairNormalizer(step: Step): Step {
  if (step.normalizers !== undefined) return { ...step, normalizers: step.normalizers.map(repairNormalizer) };
  if (step.type !== "BertNormalizer" || step.handle_chinese_chars === false) return step;
  // It looks at UTF-16 code units one by one, and so never at a character beyond U+FFFF.
  const clean = { type: "BertNormalizer", clean_text: step.clean_text };
  const spaced = { type: "Replace", pattern: { Regex: rareChinese }, content: " $& " };
  return { type: "Sequence", normalizers: [clean, spaced, { ...step, clean_text: false }] };
}

function repairPreTokenizer(step: Step): Step {
  if (step.pretokenizers !== undefined) return { ...step, pretokenizers: step.pretokenizers.map(repairPreTokenizer) };
  // It keeps "..." and "»," together, whatever the behaviour.
  if (step.type === "Punctuation" && (step.behavior ?? "Isolated") === "Isolated") {
    return { type: "Split", pattern: { Regex: punctuation }, behavior: "Isolated", invert: false };
  }
  // It splits at U+FEFF and not at U+0085.
  if (step.type === "WhitespaceSplit") {
    return { type: "Split", pattern: { Regex: "\\p{White_Space}+" }, behavior: "Removed", invert: false };
  }
  return step;
}
