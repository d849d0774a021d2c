import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";

const lifetimeMs = 12 * 3_600_000;
const sessionsAtMost = 1_000;

/** Sessions by random id, in memory: a restart ends all of them, and a log-out ends the session itself. */
export class Sessions<Value extends object> {
  readonly #values = new LRUCache<string, Value>({ max: sessionsAtMost, ttl: lifetimeMs });

  begin(value: Value): string {
    const id = randomBytes(32).toString("base64url");
    this.#values.set(id, value);
    return id;
  }

  read(id: string): Value | undefined {
    return this.#values.get(id);
  }

  end(id: string): void {
    this.#values.delete(id);
  }
}
