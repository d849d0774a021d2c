import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Prepares `<folder>/data` and returns its path. PGlite creates a database file by file: if it was killed meanwhile, the
 * database looks complete but is not. A marker file shows that, and a marked database is created again. It cannot have
 * any data yet.
 */
export function prepareDataFolder(folder: string): string {
  const data = join(folder, "data");
  if (existsSync(markerOf(folder))) rmSync(data, { recursive: true, force: true });
  if (!existsSync(data)) writeFileSync(markerOf(folder), "");
  // Who can read the files can read every text. PGlite itself would let every user read them.
  mkdirSync(data, { recursive: true, mode: 0o700 });
  accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
  return data;
}

/** Call this after the database in the data folder has been opened. */
export function markComplete(folder: string): void {
  rmSync(markerOf(folder), { force: true });
}

function markerOf(folder: string): string {
  return join(folder, "data.incomplete");
}
