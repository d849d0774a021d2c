import { formatAmount, messageOf, type Profile, ReembedError } from "@reembed/core";
import { type EmbedderSettings, embeddingServerOf, type TokenMeter } from "@reembed/embedder";
import { answerWithin, type Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { addSpending, readSpending, reserveSpending } from "@reembed/store/spending";

const lastStatementMs = 1_000;

interface MeterOptions {
  database: Database;
  config: EmbedderSettings;
  /** The profile that the tokens are for. */
  profile: Profile;
  log: Pick<Logger, "warn">;
}

/** Counts in the database what a profile's embedding server reads. Disposal writes what is not written yet. */
export interface SpendingMeter extends TokenMeter, AsyncDisposable {
  /**
   * From now on, tokens are reserved before they are sent, and not sent beyond the profile's budget. Before that they are
   * counted afterwards: a worker starts, and a person verifies, whatever the budget is.
   */
  keepWithinBudget(): void;
}

/** A meter for a profile's embedding server; undefined if the profile has none. */
export function startSpendingMeter(options: MeterOptions): SpendingMeter | undefined {
  const server = embeddingServerOf(options.config, options.profile);
  return server === undefined ? undefined : new ServerMeter(options, server.price ?? null);
}

class ServerMeter implements SpendingMeter {
  readonly #options: MeterOptions;
  readonly #price: number | null;
  #reserves = false;
  #unwritten = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: MeterOptions, price: number | null) {
    this.#options = options;
    this.#price = price;
  }

  keepWithinBudget(): void {
    this.#reserves = true;
  }

  async reserve(tokens: number): Promise<number> {
    if (!this.#reserves) return 0;
    const { database, profile } = this.#options;
    const { name } = profile;
    if (await reserveSpending(database, name, { tokens, price: this.#price })) return tokens;
    const { cost = 0, budget = null } = (await readSpending(database, name)) ?? {};
    throw new ReembedError(
      "budget_spent",
      `${spentBudgetOf(name)}: ${formatAmount(cost)} of ${formatAmount(budget ?? 0)}, and the next request does not fit.`,
      { remedy: `Run \`reembed backfill start --profile ${name} --budget <amount>\` with a higher one.` },
    );
  }

  settle(reserved: number, read: number): void {
    this.#unwritten += read - reserved;
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** What several answers have added is written at once: an answer never waits for the database. */
  async #write(): Promise<void> {
    const tokens = this.#unwritten;
    if (tokens === 0) return;
    this.#unwritten = 0;
    const { database, profile, log } = this.#options;
    try {
      await addSpending(database, profile.name, { tokens, price: this.#price });
    } catch (error) {
      this.#unwritten += tokens;
      log.warn({ error: messageOf(error) }, "spending could not be recorded");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const written = this.#writing.then(() => this.#write());
    // A database that is away must not hold up the end of a process.
    await answerWithin(lastStatementMs, written).catch(() => undefined);
  }
}

/** Whether this is why a worker of a profile waits: its cost never reaches the budget exactly. */
export function isSpentBudget(waitsFor: string | null, profile: string): boolean {
  return waitsFor?.startsWith(`${spentBudgetOf(profile)}:`) === true;
}

function spentBudgetOf(profile: string): string {
  return `The budget of ${profile} is spent`;
}
