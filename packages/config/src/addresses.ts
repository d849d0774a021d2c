import { accessSync, constants } from "node:fs";
import { messageOf } from "@reembed/core";

const sslModes = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
const certificateFiles = ["sslrootcert", "sslcert", "sslkey"];

/** What is wrong with the parts of a database's address, each completing "DATABASE_URL …"; never with a secret in it. */
export function databaseAddressProblems(address: string): string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const mode = url.searchParams.get("sslmode");
  return [
    ...badPercents(url),
    ...(mode === null || sslModes.includes(mode) ? [] : [`has an sslmode that is none of ${sslModes.join(", ")}`]),
    ...certificateFiles.flatMap((name) => unreadableFile(name, url.searchParams.get(name))),
  ];
}

/** The same of a Redis server's address. */
export function redisAddressProblems(address: string): string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const database = /^\/?\d*$/.test(url.pathname)
    ? []
    : ["has a path that is no number of a database, as in redis://host:6379/0"];
  return [...badPercents(url), ...database];
}

function badPercents({ username, password, pathname }: URL): string[] {
  const parts = { user: username, password, path: pathname };
  return Object.entries(parts).flatMap(([name, value]) => {
    try {
      decodeURIComponent(value);
      return [];
    } catch {
      return [`has a % in its ${name} that begins no percent-encoded character: a % itself is written %25`];
    }
  });
}

function unreadableFile(name: string, path: string | null): string[] {
  if (path === null) return [];
  try {
    accessSync(path, constants.R_OK);
    return [];
  } catch (error) {
    return [`names a file as ${name} that cannot be read: ${messageOf(error)}`];
  }
}
