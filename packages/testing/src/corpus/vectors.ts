import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { embeddingsPartition } from "@reembed/store/schema";
import { sql } from "drizzle-orm";

/** Gives a profile this many chunks with random vectors, to test its index with. */
export async function fillWithVectors(database: Database, profile: RegisteredProfile, vectors: number): Promise<void> {
  await database.execute(sql`insert into reembed.documents (uri, title, language, body) values ('a', '', 'ru', 'a')`);
  await database.execute(sql`
    insert into ${sql.raw(profile.relation)} (chunking, document_id, position, start_offset, end_offset, content)
    select ${profile.chunking}, d.id, n, 0, 1, n::text from reembed.documents d, generate_series(1, ${vectors}::int) n`);
  await database.execute(sql`
    insert into ${sql.raw(embeddingsPartition(profile.name))} (profile, chunk_id, content_hash, embedding, model_revision)
    select ${profile.name}, id, '', (
      select array_agg(random() - 0.5) from generate_series(1, ${profile.dimensions}::int) n where n <> -id
    )::vector::halfvec, '' from ${sql.raw(profile.relation)}`);
}

/** Opens a write transaction, for which a build waits before it begins. The returned function ends it. */
export async function holdUpBuilds(database: Database, { name }: RegisteredProfile): Promise<() => Promise<void>> {
  const writer = await database.$client.connect();
  await writer.query("begin");
  await writer.query(`lock table ${embeddingsPartition(name)} in row exclusive mode`);
  let held = true;
  return async () => {
    if (!held) return;
    held = false;
    await writer.query("rollback");
    writer.release();
  };
}
