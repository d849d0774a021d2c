import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { readPgConfig } from "./native-binaries.ts";

/**
 * Installs PostgreSQL a second time below `folder`, without pgvector, and returns its program. A server finds its files
 * relative to its program, so a copy of the program among links to the other files only finds what is linked there.
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
