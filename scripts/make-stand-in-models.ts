import { join } from "node:path";
import { Tokenizer } from "@anush008/tokenizers";
import { chunkText, type Profile, profiles } from "@reembed/core";
import { alphabetOf } from "./stand-in/alphabet.ts";
import { countWords, readTexts } from "./stand-in/corpus.ts";
import { encodeLexicalGraph } from "./stand-in/lexical-graph.ts";
import { writeModelFolder } from "./stand-in/model-folder.ts";
import { choosePieces, type Piece } from "./stand-in/pieces.ts";
import { makeTokenTable } from "./stand-in/token-table.ts";
import type { StandInTokenizer } from "./stand-in/tokenizer.ts";
import { unigramTokenizer } from "./stand-in/unigram.ts";
import { wordPieceTokenizer } from "./stand-in/word-piece.ts";

interface StandIn {
  profile: string;
  /** Of the words in the corpus, those that the vocabulary is made of. */
  words: RegExp;
  pieces: number;
  /** Of the token table; the graph widens it to the model's dimensions. */
  width: number;
  /** Similarity of unrelated texts, such that texts with a tenth of their weight in common reach the threshold. */
  floor: number;
  inputs: string[];
  tokenizer: (pieces: readonly Piece[], maxTokens: number) => StandInTokenizer;
  config: object;
}

const standIns: StandIn[] = [
  {
    profile: "mini-rubert",
    words: /^[\p{Script=Cyrillic}\p{N}]+$/u,
    pieces: 8_000,
    width: 312,
    floor: 1 / 3,
    inputs: ["input_ids", "attention_mask", "token_type_ids"],
    tokenizer: wordPieceTokenizer,
    config: { model_type: "bert", pad_token_id: 0, type_vocab_size: 2 },
  },
  {
    profile: "mini-m3",
    words: /./,
    pieces: 12_000,
    width: 256,
    floor: 4 / 9,
    inputs: ["input_ids", "attention_mask"],
    tokenizer: unigramTokenizer,
    config: { model_type: "xlm-roberta", bos_token_id: 0, pad_token_id: 1, eos_token_id: 2, type_vocab_size: 1 },
  },
];

const root = join(import.meta.dirname, "..");
const texts = readTexts(join(root, "samples/handbook"));
const alphabet = alphabetOf(texts);
const words = countWords(texts);

for (const standIn of standIns) await makeModel(standIn);

async function makeModel(standIn: StandIn): Promise<void> {
  const { model, chunking } = profileOf(standIn);
  const ownWords = new Map([...words].filter(([word]) => standIn.words.test(word)));
  const pieces = choosePieces(ownWords, alphabet, standIn.pieces);
  const { tokenizer, tokenizerConfig, specialTokens } = standIn.tokenizer(pieces, model.maxTokens);
  const passages = texts.flatMap((text) => chunkText(text, chunking).map(({ content }) => content));
  const table = await makeTokenTable(Tokenizer.fromString(JSON.stringify(tokenizer)), pieces, passages, standIn.width);
  writeModelFolder(join(root, "models", model.id), model, {
    "config.json": {
      architectures: ["LexicalStandIn"],
      ...standIn.config,
      hidden_size: model.dimensions,
      max_position_embeddings: model.maxTokens,
      vocab_size: table.tokens,
    },
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": tokenizerConfig,
    "special_tokens_map.json": specialTokens,
    "onnx/model.onnx": encodeLexicalGraph({
      name: model.id,
      inputs: standIn.inputs,
      table,
      dimensions: model.dimensions,
      floor: standIn.floor,
    }),
  });
}

function profileOf({ profile: name }: StandIn): Profile {
  const profile = profiles.get(name);
  if (profile === undefined) throw new Error(`There is no profile ${name} to make a stand-in for`);
  return profile;
}
