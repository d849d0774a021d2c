import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { messageOf, ReembedError } from "@reembed/core";
import { decodeUtf8 } from "@reembed/migration/decode-utf8";

/**
 * Sets the variables of this folder's `.env` that the environment does not have. Node's own `loadEnvFile` is not used: it
 * makes a byte order mark, which editors on Windows write, part of the first variable's name, which is then silently unset.
 * @throws ReembedError `env_file_unreadable` (exit code 2), also for an encoding other than UTF-8.
 */
export function loadEnvFile(): void {
  try {
    const variables = parseEnv(decodeUtf8(readFileSync(".env")));
    for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return;
    throw new ReembedError("env_file_unreadable", `The file .env cannot be read: ${messageOf(cause)}`, {
      exitCode: 2,
      cause,
    });
  }
}
