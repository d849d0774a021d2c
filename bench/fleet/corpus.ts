import { type Profile, profiles } from "@reembed/core";
import { checkSource, takeOver } from "@reembed/store/adoption";
import { type Database, migrateDatabase } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import { sql } from "drizzle-orm";

const chunksPerDocument = 100;
const rowsPerStatement = 100_000;

/**
 * The candidate's model and chunking under two names: the fleet embeds one, a benchmark stores vectors of the other. Their
 * revisions differ, because otherwise the fleet would reuse the other's vectors of the same texts.
 */
export function fleetProfiles(): { fleet: Profile; bare: Profile } {
  const candidate = profiles.get("bge-m3");
  if (candidate === undefined) throw new TypeError("There is no profile bge-m3");
  return {
    fleet: { ...candidate, name: "fleet" },
    bare: { ...candidate, name: "bare", model: { ...candidate.model, revision: "bare" } },
  };
}

/** Fills the chunking with short, different texts by SQL, without recording changes. */
export async function fillCorpus(
  database: Database,
  chunks: number,
  onProgress: (done: number) => void,
): Promise<{ fleet: RegisteredProfile; bare: RegisteredProfile }> {
  const { fleet, bare } = fleetProfiles();
  await migrateDatabase(database);
  await registerProfiles(database, [fleet, bare]);
  const registered = await readProfile(database, fleet.name);
  for (let start = 0; start < chunks; start += rowsPerStatement) {
    const end = Math.min(chunks, start + rowsPerStatement);
    await database.execute(sql`
      insert into reembed.documents (uri, title, language, body)
      select 'document-' || n, 'Document ' || n, 'ru', ''
      from generate_series(${Math.ceil(start / chunksPerDocument)}::int, ${Math.ceil(end / chunksPerDocument) - 1}::int) n`);
    await database.execute(sql`
      insert into ${sql.raw(registered.relation)} (chunking, document_id, position, start_offset, end_offset, content)
      select ${registered.chunking}, d.id, n % ${chunksPerDocument}, 0, 60,
        'Отпуск номер ' || n || ' оплачивается за три дня до его начала.'
      from generate_series(${start}::int, ${end - 1}::int) n
      join reembed.documents d on d.uri = 'document-' || (n / ${chunksPerDocument})`);
    onProgress(end);
  }
  await database.execute(sql`delete from reembed.document_changes`);
  // Otherwise autovacuum would run in the middle of a window.
  await database.execute(sql`vacuum analyze`);
  return { fleet: registered, bare: await readProfile(database, bare.name) };
}

/** The types of an application's ids, which its rows' chunks have themselves or by a number of ours. */
export const idTypes = { integer: "bigserial", uuid: "uuid default gen_random_uuid()" } as const;

/** Adopts an application's table of the same texts, whose rows are the chunks. */
export async function adoptCorpus(
  database: Database,
  chunks: number,
  ids: keyof typeof idTypes,
): Promise<{ fleet: RegisteredProfile; bare: RegisteredProfile }> {
  const { fleet, bare } = fleetProfiles();
  await migrateDatabase(database);
  await registerProfiles(database, [fleet, bare]);
  await database.execute(
    sql.raw(`create table public.passages (id ${idTypes[ids]} primary key, content text not null, embedding vector)`),
  );
  await database.execute(sql`
    insert into public.passages (content)
    select 'Отпуск номер ' || n || ' оплачивается за три дня до его начала.' from generate_series(1, ${chunks}::int) n`);
  await database.execute(sql`vacuum analyze public.passages`);
  const columns = { table: "public.passages", id: ["id"], content: "content", embedding: "embedding" };
  const source = { ...(await checkSource(database, columns)), chunks: "keep" as const };
  await takeOver(database, fleet, source, { vectors: false });
  await database.execute(sql`vacuum analyze`);
  return { fleet: await readProfile(database, fleet.name), bare: await readProfile(database, bare.name) };
}
