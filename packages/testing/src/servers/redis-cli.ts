import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findRedis } from "./native-binaries.ts";

/** Sends one command to a Redis and returns redis-cli's output, also for an error. */
export async function redisCli(url: string, ...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(findRedis().cli, ["-u", url, ...command]);
  return stdout.trim();
}
