import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { readPgConfig } from "./native-binaries.ts";

/**
 * Installs a PostgreSQL once more, below `folder` and without pgvector; returns its program. A server looks for its
 * files relative to where its program is, so a copy of that among links to the rest knows only what is linked there.
 */
export function installWithoutPgvector(postgres: string, folder: string): string {
  const pgConfig = join(dirname(postgres), "pg_config");
  const libraries = readPgConfig(pgConfig, "--pkglibdir");
  const share = readPgConfig(pgConfig, "--sharedir");
  const copy = join(folder, postgres);

  mkdirSync(dirname(copy), { recursive: true });
  copyFileSync(postgres, copy);
  symlinkSync(libraries, join(folder, libraries));
  linkEntries(share, join(folder, share), (name) => name !== "extension");
  linkEntries(join(share, "extension"), join(folder, share, "extension"), (name) => !/^vector\b/.test(name));
  return copy;
}

function linkEntries(from: string, to: string, wanted: (name: string) => boolean): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter(wanted)) symlinkSync(join(from, name), join(to, name));
}
