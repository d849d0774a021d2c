import { type SQL, sql } from "drizzle-orm";
import type { RegisteredProfile } from "../profiles/profiles.ts";

/**
 * Selects the vector of a text with this hash, with its token counts, if this profile or another one of the same model and
 * revision has one. Takes one index lookup per such profile.
 *
 * An adopted vector is never copied: its hash is that of the text next to it when it was adopted, but nobody knows whether
 * it was computed from that text. A copy would spread one wrong vector to every chunk with this text.
 */
export function donorOf({ model, revision }: RegisteredProfile, contentHash: SQL): SQL {
  return sql`
    select made.embedding, made.token_count, made.truncated_tokens
    from reembed.profiles p
    cross join lateral (
      select e.embedding, e.token_count, e.truncated_tokens from reembed.chunk_embeddings e
      where e.profile = p.name and e.content_hash = ${contentHash}
        and e.model_revision = ${revision} and e.token_count is not null
      limit 1
    ) made
    where p.model = ${model} and p.revision = ${revision}
    limit 1`;
}
