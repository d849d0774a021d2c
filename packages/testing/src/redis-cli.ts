import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findRedis } from "./native-binaries.ts";

/** One command to a Redis; returns its reply as redis-cli prints it, an error's included. */
export async function redisCli(url: string, ...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(findRedis().cli, ["-u", url, ...command]);
  return stdout.trim();
}
