import { setTimeout } from "node:timers/promises";

/** Number of people who search at the same time. */
const atOnce = 4;
/** Pause before somebody repeats a search that failed. */
const sighMs = 100;

/** Who was answered, and by which profile. */
export interface Answered {
  searches: number;
  failed: number;
  /** Number of searches by the profile that answered. */
  by: Map<string, number>;
}

export interface TrafficOptions {
  /** Address of the search. */
  url: string;
  queries: readonly string[];
  searches: number;
  /** Ends the traffic early when it returns true. */
  until?: () => Promise<boolean>;
}

/** Simulated people, each with a name and one of the queries. No two queries are the same text. */
export class Traffic {
  #asked = 0;

  async send({ searches, until, ...asked }: TrafficOptions): Promise<Answered> {
    const answered: Answered = { searches: 0, failed: 0, by: new Map() };
    let left = searches;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left-- > 0 && !(await until?.())) await this.#ask(asked, answered);
      }),
    );
    return answered;
  }

  async #ask({ url, queries }: Omit<TrafficOptions, "searches">, answered: Answered): Promise<void> {
    const number = this.#asked++;
    const query = `${queries[number % queries.length]} (${number})`;
    const response = await fetch(new URL("v1/search", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, subject: `user-${number}` }),
    });
    const body = (await response.json()) as { profile?: string };
    answered.searches++;
    if (response.ok && body.profile !== undefined) {
      answered.by.set(body.profile, (answered.by.get(body.profile) ?? 0) + 1);
    } else {
      answered.failed++;
      await setTimeout(sighMs);
    }
  }
}

export function describeAnswered({ searches, failed, by }: Answered): string {
  const shares = [...by].sort().map(([profile, count]) => `${count} by ${profile}`);
  return [`${searches} searches`, ...shares, ...(failed > 0 ? [`${failed} failed`] : [])].join(", ");
}
