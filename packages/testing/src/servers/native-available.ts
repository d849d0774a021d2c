import { ReembedError } from "@reembed/core";
import { findPgbouncer, findPostgres, findRedis, postgresAccount } from "./native-binaries.ts";

/**
 * Why native suites cannot run here and how to install what is missing; undefined if they can run.
 * @throws ReembedError `native_missing` if `CI` is `true`, because then nothing may be skipped.
 */
export function nativeUnavailable(): string | undefined {
  try {
    findPostgres();
    postgresAccount();
    findRedis();
    findPgbouncer();
    return undefined;
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    const reason = `${error.message}. ${error.remedy}`;
    if (process.env.CI !== "true") return reason;
    throw new ReembedError(error.code, `CI is true, so no suite may be skipped: ${reason}`, { cause: error });
  }
}
