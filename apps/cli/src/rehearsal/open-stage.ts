import type { Settings } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { removeQueues } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import { checkTables, type Database } from "@reembed/store/database";
import { readProfiles } from "@reembed/store/profiles";
import { createStage, type Stage, stageOf, strikeStage, tryRehearsalLock } from "@reembed/store/rehearsal";
import { openSession } from "@reembed/store/search";
import { initialize, openServers, queueOf, type Services } from "../hosting/services.ts";

/** An installation of its own beside the live one, with the live one's settings and profiles. */
export interface OpenStage extends Services {
  stage: Stage;
}

/**
 * Makes the schemas of a rehearsal; on disposal they are removed with everything in them. What an earlier rehearsal left
 * behind that was killed is removed first.
 * @throws ReembedError `rehearsal_running` (exit code 3), and of `createStage`, `openServers` and `initialize`.
 */
export async function openStage(live: Database, settings: Settings, log: Logger): Promise<OpenStage> {
  await using scope = new AsyncDisposableStack();
  const stage = stageOf(live);
  if (!(await tryRehearsalLock(scope.use(await openSession(live)), stage))) throw alreadyRunning();
  const own = { ...settings, schema: stage.installation };
  await clear(own, { live, stage, log });
  scope.defer(() => clear(own, { live, stage, log }));
  await createStage(live, stage);
  const servers = scope.use(await openServers(own, log));
  const config = await initialize(own, servers, { profilesOf: live });
  const queue = await queueOf(servers.database, servers.queue);
  const opened = scope.move();
  return { ...servers, queue, config, stage, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function clear(
  own: Settings,
  { live, stage, log }: { live: Database; stage: Stage; log: Logger },
): Promise<void> {
  if (own.redisUrl !== undefined) await clearQueues(own, log);
  await strikeStage(live, stage);
}

/** In the database, the queue has a schema that is removed with the others. */
async function clearQueues(own: Settings, log: Logger): Promise<void> {
  await using servers = await openServers(own, log);
  const { database } = servers;
  const isSetUp = await checkTables(database).then(
    () => true,
    () => false,
  );
  if (!isSetUp) return;
  const profiles = (await readProfiles(database)).map(({ name }) => name);
  await removeQueues(await queueOf(database, servers.queue), profiles);
}

function alreadyRunning(): ReembedError {
  return new ReembedError("rehearsal_running", "Another rehearsal of this installation is running.", {
    exitCode: 3,
    remedy: "Wait until it is over.",
  });
}
