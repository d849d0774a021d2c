import { messageOf, type Rollout } from "@reembed/core";
import { type Logger, repeatEvery } from "@reembed/runtime";
import { type Database, type RegisteredProfile, readProfiles, readRollout } from "@reembed/store";

/** So often is the row read: a rollback reaches every process well within a second, and PGlite has no NOTIFY. */
const pollMs = 300;
/** A profile's limit, threshold and index change seldom, and for nobody's safety. */
const profilesMs = 1_000;

/** The rollout and the profiles that there are, of one moment. */
export interface Routes {
  rollout: Rollout;
  profiles: ReadonlyMap<string, RegisteredProfile>;
}

export interface FollowOptions {
  /** With a connection that nothing else waits for: slow searches must not hold up a rollback. */
  database: Database;
  /** Told what is followed from now on: at the start, and when the rollout has changed. */
  onChange: (routes: Routes) => void;
  log: Logger;
}

/** The rollout as the database has it, at most a poll old. While the database is away, the last one known is kept. */
export class FollowedRollout implements AsyncDisposable {
  readonly #options: FollowOptions;
  readonly #poll: AsyncDisposable;
  #routes: Routes;
  #profilesReadAt = performance.now();

  /** @throws ReembedError of `readRollout`, and whatever the database throws when it is away at the start. */
  static async open(options: FollowOptions): Promise<FollowedRollout> {
    return new FollowedRollout(options, {
      rollout: await readRollout(options.database),
      profiles: await readProfileMap(options.database),
    });
  }

  private constructor(options: FollowOptions, routes: Routes) {
    this.#options = options;
    this.#routes = routes;
    options.onChange(routes);
    this.#poll = repeatEvery(
      pollMs,
      () => this.#read(),
      () => {},
    );
  }

  get routes(): Routes {
    return this.#routes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#poll[Symbol.asyncDispose]();
  }

  async #read(): Promise<void> {
    const { database, onChange, log } = this.#options;
    try {
      const rollout = await readRollout(database);
      const changed = rollout.version !== this.#routes.rollout.version;
      const isOld = performance.now() - this.#profilesReadAt >= profilesMs;
      const profiles = changed || isOld ? await readProfileMap(database) : this.#routes.profiles;
      if (changed || isOld) this.#profilesReadAt = performance.now();
      this.#routes = { rollout, profiles };
      if (changed) onChange(this.#routes);
    } catch (error) {
      // Not thrown: after failures in a row `repeatEvery` would look less often, and a rollback wait for that.
      log.warn({ error: messageOf(error) }, "rollout not read; the last one known goes on");
    }
  }
}

async function readProfileMap(database: Database): Promise<Routes["profiles"]> {
  return new Map((await readProfiles(database)).map((profile) => [profile.name, profile]));
}
