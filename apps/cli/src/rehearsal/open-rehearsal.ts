import type { Settings } from "@reembed/config";
import { adviceOf, ReembedError } from "@reembed/core";
import { removeQueues } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import { type Database, hasTables } from "@reembed/store/database";
import { readProfiles } from "@reembed/store/profiles";
import {
  createRehearsalSchemas,
  dropRehearsalSchemas,
  type RehearsalSchemas,
  readLeftSchemas,
  rehearsalSchemas,
  tryRehearsalLock,
} from "@reembed/store/rehearsal";
import { openSession } from "@reembed/store/search";
import { initialize, openServers, queueOf, type Services } from "../hosting/services.ts";
import { say } from "../journey/say.ts";

/** An installation of its own beside the live one, with the live one's settings and profiles. */
export interface OpenRehearsal extends Services {
  schemas: RehearsalSchemas;
}

interface Making {
  live: Database;
  schemas: RehearsalSchemas;
  /** The settings with the rehearsal's schema. */
  own: Settings;
  log: Logger;
}

/**
 * Makes the schemas of a rehearsal; on disposal they are removed with everything in them. What an earlier rehearsal left
 * behind that was killed is removed first.
 * @throws ReembedError `rehearsal_running` (exit code 3), and of `createRehearsalSchemas`, `openServers` and `initialize`.
 */
export async function openRehearsal(live: Database, settings: Settings, log: Logger): Promise<OpenRehearsal> {
  await using scope = new AsyncDisposableStack();
  const schemas = rehearsalSchemas(live);
  if (!(await tryRehearsalLock(scope.use(await openSession(live)), schemas))) throw alreadyRunning();
  const own = { ...settings, schema: schemas.installation };
  const making = { live, schemas, own, log };
  await remove(making);
  await createRehearsalSchemas(live, schemas);
  scope.defer(() => removeOrTell(making));
  const servers = scope.use(await openServers(own, log));
  const config = await initialize(own, servers, { profilesOf: live });
  const queue = await queueOf(servers.database, servers.queue);
  const opened = scope.move();
  return { ...servers, queue, config, schemas, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** An error here would hide the one for which the rehearsal ends. */
async function removeOrTell(making: Making): Promise<void> {
  try {
    await remove(making);
    say("What the rehearsal made is removed.");
  } catch (error) {
    process.exitCode = 1;
    say(`What the rehearsal made could not be removed; the next one tries again. ${adviceOf(error)}`);
  }
}

async function remove({ live, schemas, own, log }: Making): Promise<void> {
  const left = await readLeftSchemas(live, schemas);
  // An installation of somebody else's may have this name, and queues too.
  if (own.redisUrl !== undefined && left.includes(schemas.installation)) await clearQueues(own, log);
  await dropRehearsalSchemas(live, schemas);
}

/** Without a queue on Redis, it is in a schema that is dropped with the others. */
async function clearQueues(own: Settings, log: Logger): Promise<void> {
  await using servers = await openServers(own, log);
  const { database } = servers;
  if (!(await hasTables(database))) return;
  const profiles = (await readProfiles(database)).map(({ name }) => name);
  await removeQueues(await queueOf(database, servers.queue), profiles);
}

function alreadyRunning(): ReembedError {
  return new ReembedError("rehearsal_running", "Another rehearsal of this installation is running.", {
    exitCode: 3,
    remedy: "Wait until it is over.",
  });
}
