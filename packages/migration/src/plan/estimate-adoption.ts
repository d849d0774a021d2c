import type { Config } from "@reembed/config";
import { messageOf, type Profile } from "@reembed/core";
import { countTokens } from "@reembed/embedder";
import type { Queryable } from "@reembed/store/database";
import { type BlockOfTexts, readTableSize, readTextBlocks, type TableLeaf } from "@reembed/store/discovery";
import { type Estimated, type EstimatedShare, estimateShare, estimateTotal } from "../estimate/intervals.ts";
import { hnswBuildBytes, hnswBytes, vectorBytes } from "../estimate/sizes.ts";

/** What a candidate will cost for a table that is not adopted yet, with 95 % intervals. */
export interface AdoptionEstimate {
  /** What was read of the table. */
  sample: { blocks: number; ofBlocks: number; texts: number };
  chunks: Estimated;
  textBytes: Estimated;
  /** Texts without a visible character, which will be quarantined. */
  blank: EstimatedShare;
  /** Tokens that the model reads; null if they cannot be counted here. */
  tokens: Estimated | null;
  /** Texts that are longer than what the model reads. */
  truncated: EstimatedShare | null;
  /** Why tokens are not known. */
  unknown: string | null;
  vectorBytes: Estimated;
  indexBytes: Estimated;
  indexBuildBytes: Estimated;
}

export interface AdoptionSample {
  estimate: AdoptionEstimate;
  /** The sampled texts that can be embedded. */
  texts: string[];
}

export interface SampledTable {
  table: string;
  content: string;
  where: string | null;
}

/** Blocks to read, each with the rows that its table stored at about the same time. */
const mostBlocks = 200;
const mostTexts = 1_000;

/**
 * Estimates what a profile costs for a table, from random blocks of it. If the table has more blocks than are read, a block
 * is the unit of the estimate, because rows of one block are often parts of one document.
 */
export async function estimateAdoption(
  database: Queryable,
  sampled: SampledTable,
  { profile, config }: { profile: Profile; config: Pick<Config, "models"> },
): Promise<AdoptionSample> {
  const { leaves } = await readTableSize(database, sampled.table);
  const { chosen, total } = chooseBlocks(leaves, mostBlocks);
  const textsPerBlock = Math.ceil(mostTexts / Math.max(1, chosen.length));
  const blocks = await readTextBlocks(database, { ...sampled, blocks: chosen, textsPerBlock });
  const texts = blocks.flatMap((block) => block.texts.map((text) => text ?? ""));
  const counted = await countAll(texts, { profile, config });
  const whole = chosen.length === total;
  const of = whole ? wholeTable(blocks) : someBlocks(blocks, total);
  const chunks = of.rows();
  const tokens = typeof counted === "string" ? null : of.sum(counted.map(({ read }) => read));
  const share = (count: number) => of.share(count / Math.max(1, texts.length));
  const { dimensions } = profile.model;
  return {
    estimate: {
      sample: { blocks: chosen.length, ofBlocks: total, texts: texts.length },
      chunks: rounded(chunks),
      textBytes: rounded(of.bytes()),
      blank: share(texts.filter((text) => text.trim() === "").length),
      tokens: tokens && rounded(tokens),
      truncated: typeof counted === "string" ? null : share(counted.filter(({ truncated }) => truncated > 0).length),
      unknown: typeof counted === "string" ? counted : null,
      vectorBytes: bytesOf(chunks, (rows) => vectorBytes(rows, dimensions)),
      indexBytes: bytesOf(chunks, (rows) => hnswBytes(rows, dimensions)),
      indexBuildBytes: bytesOf(chunks, (rows) => hnswBuildBytes(rows, dimensions)),
    },
    texts: texts.filter((text) => text.trim() !== ""),
  };
}

/** The tokens of each text, or why they cannot be counted. */
async function countAll(
  texts: readonly string[],
  { profile: { model }, config }: { profile: Profile; config: Pick<Config, "models"> },
): Promise<{ read: number; truncated: number }[] | string> {
  try {
    return await countTokens(model, config.models.folder, texts);
  } catch (error) {
    return `The tokens of ${model.id} cannot be counted: ${messageOf(error)}`;
  }
}

interface Population {
  rows(): Estimated;
  bytes(): Estimated;
  /** The total of a value that is known of each sampled text, in the order of the blocks. */
  sum(values: readonly number[]): Estimated;
  share(share: number): EstimatedShare;
}

/** Every block was read, so that rows and bytes are known, and the texts are a sample of the rows. */
function wholeTable(blocks: readonly BlockOfTexts[]): Population {
  const [rows, bytes] = [total(blocks.map((block) => block.rows)), total(blocks.map((block) => block.bytes))];
  const sizes = blocks.flatMap(({ texts }) => texts.map((text) => Buffer.byteLength(text ?? "")));
  const exactly = (value: number) => ({ total: value, low: value, high: value });
  return {
    rows: () => exactly(rows),
    bytes: () => exactly(bytes),
    sum: (values) =>
      estimateTotal(
        values.map((value, index) => ({ value, size: sizes[index] ?? 0 })),
        { count: rows, size: bytes },
      ),
    share: (share) => estimateShare(share, sizes.length, rows),
  };
}

/** A random sample of blocks. Where not all texts of a block were read, the block's bytes tell how much more it has. */
function someBlocks(blocks: readonly BlockOfTexts[], count: number): Population {
  const estimate = (values: readonly number[]) =>
    estimateTotal(
      values.map((value) => ({ value, size: 1 })),
      { count, size: count },
    );
  return {
    rows: () => estimate(blocks.map(({ rows }) => rows)),
    bytes: () => estimate(blocks.map(({ bytes }) => bytes)),
    sum: (values) => {
      let next = 0;
      return estimate(
        blocks.map(({ bytes, texts }) => {
          const read = total(texts.map((text) => Buffer.byteLength(text ?? "")));
          const sum = total(values.slice(next, next + texts.length));
          next += texts.length;
          return read === 0 ? sum : (sum * bytes) / read;
        }),
      );
    },
    share: (share) => estimateShare(share, blocks.length, count),
  };
}

/** Different random blocks of all leaves together, or all of them if there are no more than `most`. */
function chooseBlocks(
  leaves: readonly TableLeaf[],
  most: number,
): { chosen: { leaf: string; number: number }[]; total: number } {
  const all = total(leaves.map(({ blocks }) => blocks));
  const places = new Set<number>();
  while (places.size < Math.min(most, all)) places.add(all <= most ? places.size : Math.floor(Math.random() * all));
  let before = 0;
  const chosen = leaves.flatMap(({ name, blocks }) => {
    const from = before;
    before += blocks;
    return [...places]
      .filter((place) => place >= from && place < before)
      .map((place) => ({ leaf: name, number: place - from }));
  });
  return { chosen, total: all };
}

function bytesOf({ total: most, low, high }: Estimated, bytes: (rows: number) => number): Estimated {
  return { total: bytes(Math.round(most)), low: bytes(Math.round(low)), high: bytes(Math.round(high)) };
}

function rounded({ total: value, low, high }: Estimated): Estimated {
  return { total: Math.round(value), low: Math.round(low), high: Math.round(high) };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
