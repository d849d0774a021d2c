import { messageOf, type Rollout } from "@reembed/core";
import { type Logger, repeatEvery } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfiles } from "@reembed/store/profiles";
import { readRollout } from "@reembed/store/rollout";

/** PGlite has no NOTIFY, so the row is polled. At this interval a rollback reaches every process well within a second. */
const pollMs = 300;
/** A profile's limit, threshold and index change seldom, and no rollback depends on them. */
const profilesMs = 1_000;

/** The rollout and the registered profiles, read at the same time. */
export interface Routes {
  rollout: Rollout;
  profiles: ReadonlyMap<string, RegisteredProfile>;
}

export interface FollowOptions {
  /** Has a connection that nothing else uses: slow searches must not delay a rollback. */
  database: Database;
  /** Called at the start and whenever the rollout has changed. */
  onChange: (routes: Routes) => void;
  log: Logger;
}

/** The rollout in the database, at most one poll old. While the database is away, the last known rollout stays. */
export class FollowedRollout implements AsyncDisposable {
  readonly #options: FollowOptions;
  readonly #poll: AsyncDisposable;
  #routes: Routes;
  #profilesReadAt = performance.now();

  /** @throws ReembedError of `readRollout`, or what the database throws if it is away at the start. */
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
      // Not thrown: after failures in a row `repeatEvery` would poll less often, and a rollback would take longer.
      log.warn({ error: messageOf(error) }, "the rollout could not be read; the last known one stays");
    }
  }
}

async function readProfileMap(database: Database): Promise<Routes["profiles"]> {
  return new Map((await readProfiles(database)).map((profile) => [profile.name, profile]));
}
