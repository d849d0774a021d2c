import { type Profile, ReembedError } from "@reembed/core";
import { type EmbedderSettings, embeddingServerOf } from "@reembed/embedder";
import type { Database } from "@reembed/store/database";
import { setBudget } from "@reembed/store/spending";

/**
 * Sets the cost at which a profile's embedding stops; null takes the limit away. It counts from the first token that was
 * sent for the profile, so a higher one lets a backfill go on that has spent the last.
 * @throws ReembedError `budget_without_price` (exit code 2) if nothing is known to cost anything.
 */
export async function limitSpending(
  database: Database,
  profile: Profile,
  { budget, config }: { budget: number | null; config: EmbedderSettings },
): Promise<void> {
  const server = embeddingServerOf(config, profile);
  if (budget !== null && server?.price === undefined) {
    const why = server === undefined ? "no embedding server embeds for it" : "its embedding server has no price";
    throw new ReembedError("budget_without_price", `A budget for ${profile.name} would limit nothing: ${why}.`, {
      exitCode: 2,
      remedy:
        server === undefined
          ? "Leave --budget out."
          : `Set ${server.variables}_PRICE to what it takes for a million tokens, for the workers too.`,
    });
  }
  await setBudget(database, profile.name, budget);
}
