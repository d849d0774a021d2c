import { eq, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { spendings } from "../schema/profiles.ts";

/** What embedding servers were paid for a profile. */
export interface Spending {
  /** Tokens that servers have read, and those of requests that may have been read. */
  sentTokens: number;
  /** In the currency of the price. */
  cost: number;
  /** Per million tokens; null if the tokens cost nothing. */
  price: number | null;
  /** The cost at which embedding stops; null means no limit. */
  budget: number | null;
}

/** Tokens of a profile, and their price per million; null if they cost nothing. */
interface PricedTokens {
  tokens: number;
  price: number | null;
}

/**
 * Counts tokens that are about to be sent, unless their cost exceeds the budget. Returns whether they may be sent. One
 * statement decides, so the workers of a fleet together never reserve more than the budget.
 */
export async function reserveSpending(database: Database, profile: string, of: PricedTokens): Promise<boolean> {
  const { rowCount } = await database.execute(sql`
    ${adding(profile, of)}
    where spendings.budget is null or spendings.cost + excluded.cost <= spendings.budget`);
  return rowCount === 1;
}

/** Counts tokens that were sent; fewer than nothing corrects what was reserved. */
export async function addSpending(database: Database, profile: string, of: PricedTokens): Promise<void> {
  await database.execute(adding(profile, of));
}

function adding(profile: string, { tokens, price }: PricedTokens) {
  const cost = (tokens * (price ?? 0)) / 1_000_000;
  return sql`
    insert into reembed.spendings (profile, sent_tokens, cost, price)
    values (${profile}, ${tokens}, ${cost}, ${price})
    on conflict (profile) do update set
      sent_tokens = spendings.sent_tokens + excluded.sent_tokens, cost = spendings.cost + excluded.cost,
      price = excluded.price`;
}

/** What a profile has cost; undefined if no server has embedded for it and it has no budget. */
export async function readSpending(database: Queryable, profile: string): Promise<Spending | undefined> {
  const { sentTokens, cost, price, budget } = spendings;
  const [spending] = await database
    .select({ sentTokens, cost, price, budget })
    .from(spendings)
    .where(eq(spendings.profile, profile));
  return spending;
}

/** Sets the cost at which embedding stops, or takes the limit away. */
export async function setBudget(database: Database, profile: string, budget: number | null): Promise<void> {
  await database.execute(sql`
    insert into reembed.spendings (profile, budget) values (${profile}, ${budget})
    on conflict (profile) do update set budget = excluded.budget`);
}
