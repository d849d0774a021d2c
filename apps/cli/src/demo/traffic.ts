import { setTimeout } from "node:timers/promises";
import type { JudgedQuery } from "@reembed/core";

/** As many people ask at a time. */
const atOnce = 4;
/** Before somebody asks again who was not answered. */
const sighMs = 100;

/** Who was answered how. */
export interface Answered {
  searches: number;
  failed: number;
  /** Searches by the profile that answered. */
  by: Map<string, number>;
}

export interface TrafficOptions {
  /** Of the search. */
  url: string;
  queries: readonly JudgedQuery[];
  searches: number;
  /** Ends it early. */
  until?: () => Promise<boolean>;
}

/** Simulated people, each with a name and a query of the handbook's, no two of which are the same text. */
export class Traffic {
  #asked = 0;

  async send({ url, queries, searches, until }: TrafficOptions): Promise<Answered> {
    const answered: Answered = { searches: 0, failed: 0, by: new Map() };
    let left = searches;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left-- > 0 && !(await until?.())) await this.#ask(url, queries, answered);
      }),
    );
    return answered;
  }

  async #ask(url: string, queries: readonly JudgedQuery[], answered: Answered): Promise<void> {
    const number = this.#asked++;
    const query = `${queries[number % queries.length]?.text} (${number})`;
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
