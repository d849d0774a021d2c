import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedDatabase } from "@reembed/embedded";
import type { TestProject } from "vitest/node";
import { createTables } from "./corpus/corpus.ts";
import { createDatabase } from "./servers/create-database.ts";
import { nativeUnavailable } from "./servers/native-available.ts";
import { startNativePostgres } from "./servers/native-postgres.ts";
import { startNativeRedis } from "./servers/native-redis.ts";

/** The servers that a whole run shares, or why there are none. Tests are separated by the names of their databases. */
export type NativeServers =
  /** `template` is the name of a database with the tables: copying it takes a tenth of the time of creating them. */
  { postgres: string; redis: string; template: string; missing?: undefined } | { missing: string };

/** Folders of embedded databases to copy: opening a copy takes a fifth of the time of a new one. */
export interface EmbeddedTemplates {
  emptyFolder: string;
  /** Contains the tables of Reembed and of its queue. */
  tablesFolder: string;
}

declare module "vitest" {
  interface ProvidedContext {
    native: NativeServers;
    embeddedTemplates: EmbeddedTemplates;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Every process that a test starts finds its code compiled: a tenth of the run's CPU time.
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");
  await using scope = new AsyncDisposableStack();
  project.provide("embeddedTemplates", await createTemplates(scope));
  project.provide("native", await startNativeServers(scope));
  const owned = scope.move();
  return async () => {
    await owned.disposeAsync();
    tellWhatDidNotRun(project);
  };
}

/** Printed last, so that nobody mistakes a green `npm test` for all tests. */
function tellWhatDidNotRun({ vitest }: TestProject): void {
  if (vitest.projects.some(({ name }) => name === "slow")) return;
  process.stdout.write(
    "The slow tests did not run: commands and fleets as real processes that are killed and whose servers go away, and\n" +
      "what the models find in the whole handbook and in a thousand translations. `npm run test:slow` runs them.\n\n",
  );
}

async function createTemplates(scope: AsyncDisposableStack): Promise<EmbeddedTemplates> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-template-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const [emptyFolder, tablesFolder] = [join(folder, "empty"), join(folder, "tables")];
  await (await openEmbeddedDatabase({ folder: emptyFolder }))[Symbol.asyncDispose]();
  await cp(emptyFolder, tablesFolder, { recursive: true });
  await using database = await openEmbeddedDatabase({ folder: tablesFolder });
  await createTables(database);
  return { emptyFolder, tablesFolder };
}

async function startNativeServers(scope: AsyncDisposableStack): Promise<NativeServers> {
  const missing = nativeUnavailable();
  if (missing !== undefined) return { missing };
  const postgres = scope.use(await startNativePostgres());
  const redis = scope.use(await startNativeRedis());
  const template = "with-tables";
  await createTables({ connectionString: await createDatabase(postgres.connectionString, template) });
  return { postgres: postgres.connectionString, redis: redis.url, template };
}
