import type { Tokenizer } from "@huggingface/tokenizers";

/** A part of tokenizer.json. A sequence contains further parts. */
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

/** Both tokenizers also treat every ASCII character that is no letter, digit, space or control character as punctuation. */
const punctuation = "[\\p{P}!-/:-@\\[-`{-~]";
/** The characters beyond U+FFFF that BERT calls Chinese; the native tokenizer starts the last block but one at U+2B920. */
const rareChinese =
  "[\\u{20000}-\\u{2A6DF}\\u{2A700}-\\u{2B73F}\\u{2B740}-\\u{2B81F}\\u{2B920}-\\u{2CEAF}\\u{2F800}-\\u{2FA1F}]";

/**
 * Rewrites steps that `@huggingface/tokenizers` 0.2.0 handles differently from the native tokenizer into equivalent steps
 * that both handle alike. With the demo's handbook and mini-m3, 0 of 97 texts differ then; without it, all of them do.
 */
export function repairSteps(json: TokenizerJson): TokenizerJson {
  return {
    ...json,
    normalizer: json.normalizer && repairNormalizer(json.normalizer),
    pre_tokenizer: json.pre_tokenizer && repairPreTokenizer(json.pre_tokenizer),
  };
}

/** Adjacent unknown pieces become one token within a word only; the port also joins those of neighbouring words. */
export function repairUnknowns({ model }: Tokenizer): void {
  if (model === null) return;
  const ofWords = model._call.bind(model);
  model._call = (words: string[]) => words.flatMap((word) => ofWords([word]));
}

function repairNormalizer(step: Step): Step {
  if (step.normalizers !== undefined) return { ...step, normalizers: step.normalizers.map(repairNormalizer) };
  if (step.type !== "BertNormalizer" || step.handle_chinese_chars === false) return step;
  // The port checks UTF-16 code units one by one, so it never sees a character beyond U+FFFF.
  const clean = { type: "BertNormalizer", clean_text: step.clean_text };
  const spaced = { type: "Replace", pattern: { Regex: rareChinese }, content: " $& " };
  return { type: "Sequence", normalizers: [clean, spaced, { ...step, clean_text: false }] };
}

function repairPreTokenizer(step: Step): Step {
  if (step.pretokenizers !== undefined) return { ...step, pretokenizers: step.pretokenizers.map(repairPreTokenizer) };
  // The port keeps "..." and "»," together, whatever the behaviour says.
  if (step.type === "Punctuation" && (step.behavior ?? "Isolated") === "Isolated") {
    return { type: "Split", pattern: { Regex: punctuation }, behavior: "Isolated", invert: false };
  }
  // The port splits at U+FEFF and not at U+0085.
  if (step.type === "WhitespaceSplit") {
    return { type: "Split", pattern: { Regex: "\\p{White_Space}+" }, behavior: "Removed", invert: false };
  }
  return step;
}
