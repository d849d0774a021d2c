/** The JSON of a Hugging Face tokenizer. Special tokens have the first ids, the pieces follow in their order. */
export interface StandInTokenizer {
  /** tokenizer.json */
  tokenizer: object;
  /** tokenizer_config.json */
  tokenizerConfig: object;
  /** special_tokens_map.json */
  specialTokens: object;
}

/** Recognised in the text as they are written, before it is normalised. */
export function addedTokens(specials: readonly string[]): object[] {
  return specials.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}
