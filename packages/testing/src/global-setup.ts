import type { TestProject } from "vitest/node";
import { nativeUnavailable } from "./native-available.ts";
import { startNativePostgres } from "./native-postgres.ts";
import { startNativeRedis } from "./native-redis.ts";

/** The servers that a whole run shares, or why there are none. Tests keep apart by the names of what they make. */
export type NativeServers = { postgres: string; redis: string; missing?: undefined } | { missing: string };

declare module "vitest" {
  interface ProvidedContext {
    native: NativeServers;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const missing = nativeUnavailable();
  if (missing !== undefined) {
    project.provide("native", { missing });
    return undefined;
  }
  await using scope = new AsyncDisposableStack();
  const postgres = scope.use(await startNativePostgres());
  const redis = scope.use(await startNativeRedis());
  project.provide("native", { postgres: postgres.connectionString, redis: redis.url });
  const owned = scope.move();
  return () => owned.disposeAsync();
}
