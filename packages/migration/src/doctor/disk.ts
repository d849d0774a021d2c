import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "@reembed/core";
import type { Check } from "./context.ts";
import { expectedBytes } from "./expected-rows.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export const checkDisk: Check = async (context) => {
  const { server, config } = context;
  if (server === undefined) return [];
  const folder = config.databaseUrl === undefined ? config.folder : server.dataDirectory;
  const wanted = await expectedBytes(context, config.candidate.name);
  return [judgeDisk(config.candidate.name, { free: await freeBytes(folder), wanted, database: server.databaseBytes })];
};

interface Space {
  /** Undefined if the database is on another host. */
  free: number | undefined;
  /** Undefined while the number of chunks is unknown. */
  wanted: number | undefined;
  database: number;
}

export function judgeDisk(profile: string, { free, wanted, database }: Space): Finding {
  const takes = `the database takes ${formatBytes(database)}`;
  const has = free === undefined ? "the free space cannot be read from here" : `${formatBytes(free)} are free`;
  if (wanted === undefined)
    return ok("disk", `${takes}, ${has}; \`reembed estimate\` estimates the size of ${profile}`);
  const says = `${takes}, ${profile} needs ${formatBytes(wanted)} more, ${has}`;
  if (free !== undefined && free < wanted) return problem("disk", says, "Give the database more disk.");
  // The write-ahead log and the sort for an index temporarily need further space.
  if (free !== undefined && free < 2 * wanted) return warning("disk", says, "Twice as much should be free.");
  return ok("disk", says);
}

/** Free space of the disk with the data directory, if it is on this host. */
async function freeBytes(folder: string | null): Promise<number | undefined> {
  if (folder === null || !(existsSync(join(folder, "PG_VERSION")) || existsSync(join(folder, "data", "PG_VERSION")))) {
    return undefined;
  }
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
