import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { messageOf, ReembedError } from "@reembed/core";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  basebackup: string;
}

export interface RedisBinaries {
  server: string;
  cli: string;
}

/** The account that a server runs as, if it must not run as ours. */
export interface Account {
  uid: number;
  gid: number;
}

/** A folder with servers that replace the machine's own, filled by scripts/unpack-newer-servers.sh. */
const unpacked = process.env.NATIVE_SERVERS ?? "";
const debianRoot = `${unpacked}/usr/lib/postgresql`;

/**
 * The newest PostgreSQL with pgvector, from Debian's folders or else by the `pg_config` on the PATH.
 * @throws ReembedError `native_missing`
 */
export function findPostgres(): PostgresBinaries {
  const folders = postgresFolders();
  if (folders.length === 0) throw missing(`PostgreSQL is neither in ${debianRoot} nor on the PATH`);
  const folder = folders.find(hasPgvector);
  if (folder === undefined) throw missing(`PostgreSQL in ${folders.join(" and ")} has no pgvector 0.8 or later`);
  return {
    initdb: join(folder, "initdb"),
    postgres: join(folder, "postgres"),
    basebackup: join(folder, "pg_basebackup"),
  };
}

/** @throws ReembedError `native_missing` */
export function findRedis(): RedisBinaries {
  if (unpacked !== "") return { server: `${unpacked}/usr/bin/valkey-server`, cli: `${unpacked}/usr/bin/valkey-cli` };
  return { server: requireOnPath("redis-server"), cli: requireOnPath("redis-cli") };
}

/** @throws ReembedError `native_missing` */
export function findPgbouncer(): string {
  // Debian installs it in a folder that is only on root's PATH.
  return findOnPath("pgbouncer") ?? findIn("/usr/sbin", "pgbouncer") ?? requireOnPath("pgbouncer");
}

/**
 * PostgreSQL refuses to run as root. As root, it is started as `postgres`, a user that its packages create.
 * @throws ReembedError `native_missing`
 */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  if (entry === null) throw missing("PostgreSQL refuses to run as root, and there is no user postgres");
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

/** Newest first. */
function postgresFolders(): string[] {
  const majors = existsSync(debianRoot) ? readdirSync(debianRoot) : [];
  const folders = majors
    .sort((a, b) => Number(b) - Number(a))
    .map((major) => join(debianRoot, major, "bin"))
    .filter(isServerFolder);
  if (folders.length > 0) return folders;
  const onPath = findOnPath("pg_config");
  return onPath === undefined ? [] : [readPgConfig(onPath, "--bindir")].filter(isServerFolder);
}

/** The client package alone also creates the folder. */
function isServerFolder(folder: string): boolean {
  return existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"));
}

function hasPgvector(folder: string): boolean {
  const control = join(readPgConfig(join(folder, "pg_config"), "--sharedir"), "extension", "vector.control");
  if (!existsSync(control)) return false;
  const version = /default_version\s*=\s*'(\d+)\.(\d+)/.exec(readFileSync(control, "utf8"));
  return version !== null && (Number(version[1]) > 0 || Number(version[2]) >= 8);
}

/** @throws ReembedError `native_missing` */
export function readPgConfig(pgConfig: string, option: string): string {
  try {
    return execFileSync(pgConfig, [option], { encoding: "utf8" }).trim();
  } catch (error) {
    throw missing(`${pgConfig} ${option} failed: ${messageOf(error)}`, error);
  }
}

function requireOnPath(name: string): string {
  const found = findOnPath(name);
  if (found === undefined) throw missing(`${name} is not on the PATH`);
  return found;
}

function findOnPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => findIn(folder, name)).find((file) => file !== undefined);
}

function findIn(folder: string, name: string): string | undefined {
  const file = join(folder, name);
  return existsSync(file) ? file : undefined;
}

function missing(message: string, cause?: unknown): ReembedError {
  const remedy =
    "Install PostgreSQL, pgvector, PgBouncer and Redis: scripts/install-services.sh does so on Debian and Ubuntu.";
  return new ReembedError("native_missing", message, { remedy, cause });
}
