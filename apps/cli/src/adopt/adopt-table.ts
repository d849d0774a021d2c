import { isDeepStrictEqual } from "node:util";
import { activeProfiles, type Config } from "@reembed/config";
import { type Profile, ReembedError } from "@reembed/core";
import type { Logger } from "@reembed/runtime";
import {
  type ChunkSource,
  checkSource,
  copyVectors,
  createDocuments,
  type Database,
  readAdoption,
  readProfile,
  readProfiles,
  registerProfiles,
  takeOver,
} from "@reembed/store";
import type { ProgressBar } from "../progress.ts";
import { type CheckedVectors, checkVectors } from "./check-vectors.ts";

export interface AdoptOptions {
  database: Database;
  config: Config;
  profile: Profile;
  wanted: ChunkSource;
  /** Vectors that are embedded again before any is taken. */
  sample: number;
  /** Take the table without its vectors. */
  reembed: boolean;
  device: string;
  bar: ProgressBar;
  log: Logger;
}

/** What `reembed adopt --json` prints. */
export interface AdoptionReport {
  table: string;
  profile: string;
  chunking: string;
  /** An adoption that was interrupted was gone on with, or was there already. */
  resumed: boolean;
  documents: number;
  /** Vectors that were copied, and chunks whose vector could not be and that workers embed. */
  vectors: { copied: number; left: number };
  /** Undefined where nothing was compared. */
  checked: CheckedVectors | undefined;
  /** Profiles whose backfill waits for `reembed backfill start`. */
  paused: string[];
}

/** Vectors of one transaction: some tens of milliseconds. */
const copiedTogether = 1_000;

/**
 * Takes over an application's table of chunks as the chunks of a profile, and its vectors as the profile's, after a
 * sample has shown that they are its model's. Interrupted at any point, it goes on where it was when it is run again.
 * @throws ReembedError of `checkSource`, `checkVectors` and `takeOver`, and `already_adopted` (exit code 3).
 */
export async function adoptTable(options: AdoptOptions): Promise<AdoptionReport> {
  const { database, config, profile, reembed } = options;
  const source = await checkSource(database, options.wanted);
  const registered = [profile, ...activeProfiles(config)];
  await registerProfiles(database, registered);
  const before = await readAdoption(database);
  if (before !== undefined && !isDeepStrictEqual(before.source, source)) throw adoptedOtherwise(before.source, source);

  let checked: CheckedVectors | undefined;
  if (before === undefined) {
    if (!reembed) checked = await checkVectors(source, options);
    await takeOver(database, profile, source, { vectors: !reembed });
    // Their views were of the partition that is gone.
    await registerProfiles(database, registered);
  }
  const adoption = await readAdoption(database);
  const documents = adoption === undefined ? 0 : await createDocuments(database, adoption);
  const vectors = await copyAll(options);
  const others = await readProfiles(database);
  return {
    table: source.table,
    profile: profile.name,
    chunking: (await readProfile(database, profile.name)).chunking,
    resumed: before !== undefined,
    documents,
    vectors,
    checked,
    paused: others.filter(({ paused }) => paused).map(({ name }) => name),
  };
}

async function copyAll({ database, profile, bar }: AdoptOptions): Promise<AdoptionReport["vectors"]> {
  const { backfillTarget } = await readProfile(database, profile.name);
  const vectors = { copied: 0, left: 0 };
  for (;;) {
    const batch = await copyVectors(database, profile.name, copiedTogether);
    if (batch === undefined) return vectors;
    vectors.copied += batch.copied;
    vectors.left += batch.chunks - batch.copied;
    bar.update(batch.cursor, backfillTarget);
  }
}

function adoptedOtherwise(before: ChunkSource, wanted: ChunkSource): ReembedError {
  const what = before.table === wanted.table ? `${before.table} with other columns` : before.table;
  return new ReembedError("already_adopted", `This database has adopted ${what}.`, {
    exitCode: 3,
    remedy: "A database has one adopted table; its columns are in reembed.chunkings.source.",
  });
}
