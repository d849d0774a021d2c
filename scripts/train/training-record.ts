import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const trainingFolder = import.meta.dirname;
const root = join(trainingFolder, "../..");
export const queriesPath = join(root, "samples/handbook/queries.jsonl");

/** The content of `training.json` next to a model's weights: how they were made. */
export interface TrainingRecord {
  heldOut: { package: string; pairs: number; ruEnRecall10: number; enRuRecall10: number };
  /** `sha256` of the queries that the training data was searched for; null if there were none yet. */
  queries: { sha256: string | null; occurring: number | null };
}

export function readTrainingRecord(modelId: string): TrainingRecord {
  return JSON.parse(readFileSync(join(root, "models", modelId, "training.json"), "utf8"));
}

/** Letters and digits only, in lower case: `key_of` in clean.py. */
export function keyOf(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll("ё", "е")
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
}

export function readTable(path: string): string[][] {
  const lines = readFileSync(join(trainingFolder, path), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split("\t"));
}

/** Every term and sentence that was written for the training, in all languages. */
export function readGlossary(): string[] {
  const files = readdirSync(join(trainingFolder, "glossary")).filter((name) => name.endsWith(".tsv"));
  return files.flatMap((name) => readTable(`glossary/${name}`).slice(1).flat()).flatMap((cell) => cell.split(";"));
}
