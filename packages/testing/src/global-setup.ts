import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedDatabase } from "@reembed/embedded";
import type { TestProject } from "vitest/node";
import { nativeUnavailable } from "./native-available.ts";
import { startNativePostgres } from "./native-postgres.ts";
import { startNativeRedis } from "./native-redis.ts";

/** The servers that a whole run shares, or why there are none. Tests keep apart by the names of what they make. */
export type NativeServers = { postgres: string; redis: string; missing?: undefined } | { missing: string };

declare module "vitest" {
  interface ProvidedContext {
    native: NativeServers;
    /** Folder of an empty embedded database, to be copied: a copy opens in a fifth of the time that a new one takes. */
    embeddedTemplate: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using scope = new AsyncDisposableStack();
  project.provide("embeddedTemplate", await createTemplate(scope));
  project.provide("native", await startNativeServers(scope));
  const owned = scope.move();
  return async () => {
    await owned.disposeAsync();
    tellWhatDidNotRun(project);
  };
}

/** Last, below the figures: nobody is to take a green `npm test` for all there is. */
function tellWhatDidNotRun({ vitest }: TestProject): void {
  if (vitest.projects.some(({ name }) => name === "slow")) return;
  process.stdout.write(
    "The slow tests did not run: fleets of real processes whose workers are killed and whose servers go away.\n" +
      "`npm run test:slow` runs them.\n\n",
  );
}

async function createTemplate(scope: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-template-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await using _created = await openEmbeddedDatabase({ folder });
  return folder;
}

async function startNativeServers(scope: AsyncDisposableStack): Promise<NativeServers> {
  const missing = nativeUnavailable();
  if (missing !== undefined) return { missing };
  const postgres = scope.use(await startNativePostgres());
  const redis = scope.use(await startNativeRedis());
  return { postgres: postgres.connectionString, redis: redis.url };
}
