import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes `<folder>/data` ready to be opened and returns its path. PGlite creates a database file by file, so one that
 * was killed meanwhile looks whole and is not: the marker tells them apart, and what it marks is begun anew. Nobody can
 * have stored anything there.
 */
export function prepareDataFolder(folder: string): string {
  const data = join(folder, "data");
  if (existsSync(markerOf(folder))) rmSync(data, { recursive: true, force: true });
  if (!existsSync(data)) writeFileSync(markerOf(folder), "");
  // Whoever may read the files may read every text; PGlite itself leaves them open to all.
  mkdirSync(data, { recursive: true, mode: 0o700 });
  accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
  return data;
}

/** To be called when the database in the data folder has been opened. */
export function markComplete(folder: string): void {
  rmSync(markerOf(folder), { force: true });
}

function markerOf(folder: string): string {
  return join(folder, "data.incomplete");
}
