import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { messageOf, ReembedError } from "@reembed/core";
import { decodeUtf8 } from "./corpus/decode-utf8.ts";

/**
 * Takes the variables of the `.env` of this folder that the environment does not have. Node's own `loadEnvFile` makes a
 * byte-order mark, which Windows' editors write, a part of the first variable's name: that one was not set, without a word.
 * @throws ReembedError `env_file_unreadable` (exit code 2); another encoding than UTF-8 is one.
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
