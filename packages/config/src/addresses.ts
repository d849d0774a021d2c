import { accessSync, constants } from "node:fs";
import { messageOf } from "@reembed/core";

const sslModes = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
const certificateFiles = ["sslrootcert", "sslcert", "sslkey"];

/** Problems with the parts of a database's address, each completing "DATABASE_URL …", without any secret. */
export function databaseAddressProblems(address: string): string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const mode = url.searchParams.get("sslmode");
  return [
    ...badPercents(url),
    ...(mode === null || sslModes.includes(mode) ? [] : [`has an sslmode other than ${sslModes.join(", ")}`]),
    ...certificateFiles.flatMap((name) => unreadableFile(name, url.searchParams.get(name))),
  ];
}

/** Problems with the parts of a Redis server's address, in the same form. */
export function redisAddressProblems(address: string): string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const database = /^\/?\d*$/.test(url.pathname)
    ? []
    : ["has a path other than the number of a database, such as redis://host:6379/0"];
  return [...badPercents(url), ...database];
}

function badPercents({ username, password, pathname }: URL): string[] {
  const parts = { user: username, password, path: pathname };
  return Object.entries(parts).flatMap(([name, value]) => {
    try {
      decodeURIComponent(value);
      return [];
    } catch {
      return [`has a % in its ${name} that is not part of a percent-encoded character: write a literal % as %25`];
    }
  });
}

function unreadableFile(name: string, path: string | null): string[] {
  if (path === null) return [];
  try {
    accessSync(path, constants.R_OK);
    return [];
  } catch (error) {
    return [`names a file in ${name} that cannot be read: ${messageOf(error)}`];
  }
}
