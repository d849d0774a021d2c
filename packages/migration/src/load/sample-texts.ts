import { fileURLToPath } from "node:url";
import { readCorpus } from "./read-corpus.ts";

/** The sample corpus that ships with Reembed. */
export const handbook = fileURLToPath(new URL("../../../../samples/handbook", import.meta.url));

/** Lengths in code units, from a question to a chunk of 6,000 characters. */
const lengths = [60, 300, 1_500, 6_000];
const judgedTexts = 48;
const calibrationTexts = 12;

/**
 * Texts of the handbook in all its languages and in several lengths: some to check a model's graph with, and others to
 * calibrate it with.
 */
export async function readSampleTexts(): Promise<{ texts: string[]; samples: string[] }> {
  const bodies: string[] = [];
  for await (const entry of readCorpus(handbook)) if (entry.kind === "document") bodies.push(entry.document.body);
  const count = Math.min(judgedTexts + calibrationTexts, bodies.length);
  // Documents are sorted by language: steps of equal size take some of each.
  const chosen = Array.from({ length: count }, (_, index) => {
    const body = bodies[Math.floor((index * bodies.length) / count)] ?? "";
    return body.slice(0, lengths[index % lengths.length]);
  });
  const every = Math.floor(count / calibrationTexts);
  return {
    texts: chosen.filter((_, index) => index % every !== 0),
    samples: chosen.filter((_, index) => index % every === 0).map((text) => text.slice(0, 1_500)),
  };
}
