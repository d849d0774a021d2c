import { type Profile, profiles } from "@reembed/core";
import { takeChanges } from "@reembed/store/changes";
import { type Database, migrateDatabase } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { findMiscount, recountBlocks } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { sql } from "drizzle-orm";

const chunksPerDocument = 100;
const rowsPerStatement = 100_000;
/** The vectors' values do not matter here: four dimensions keep ten million of them small. */
const dimensions = 4;

/** Two profiles of one chunking, as in a migration that keeps the chunks. */
export async function createCorpus(database: Database): Promise<void> {
  const candidate = profiles.get("bge-m3");
  if (candidate === undefined) throw new TypeError("There is no profile bge-m3");
  const of = (name: string, revision: string): Profile => ({
    ...{ ...candidate, name },
    model: { ...candidate.model, revision, dimensions, outputDimensions: dimensions },
  });
  await migrateDatabase(database);
  await registerProfiles(database, [of("before", "1"), of("after", "2")]);
  await ensureRollout(database, { baseline: "before", candidate: "after" });
}

export const readCandidate = (database: Database): Promise<RegisteredProfile> => readProfile(database, "after");

/**
 * Adds short, different texts with their vectors up to this number, without triggers, and counts them. Both profiles are
 * backfilled afterwards.
 */
export async function growCorpus(
  database: Database,
  { from, to, tell }: { from: number; to: number; tell: (line: string) => void },
): Promise<void> {
  const { relation, chunking } = await readCandidate(database);
  await settleEdits(database, relation);
  for (let start = from; start < to; start += rowsPerStatement) {
    const end = Math.min(to, start + rowsPerStatement);
    await database.transaction(async (transaction) => {
      await transaction.execute(sql`set local session_replication_role = replica`);
      await transaction.execute(sql`
        insert into reembed.documents (uri, title, language, body)
        select 'document-' || n, 'Document ' || n, 'ru', '' from generate_series(
          ${Math.ceil(start / chunksPerDocument)}::int, ${Math.ceil(end / chunksPerDocument) - 1}::int) n`);
      await transaction.execute(sql`
        insert into ${sql.raw(relation)} (chunking, id, document_id, position, start_offset, end_offset, content)
        select ${chunking}, n + 1, d.id, n % ${chunksPerDocument}, 0, 60,
          'Отпуск номер ' || n || ' оплачивается за три дня до его начала.'
        from generate_series(${start}::int, ${end - 1}::int) n
        join reembed.documents d on d.uri = 'document-' || (n / ${chunksPerDocument})`);
      await transaction.execute(sql`
        insert into reembed.chunk_embeddings
          (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
        select p.name, c.id, sha256(convert_to(c.content, 'UTF8')), '[1,0,0,0]', 20, 0, p.revision
        from ${sql.raw(relation)} c, reembed.profiles p where c.id > ${start} and c.id <= ${end}`);
    });
    if (end % 1_000_000 === 0) tell(`${end / 1e6} million chunks`);
  }
  await database.execute(sql`
    update reembed.profiles set state = 'backfilled', backfill_cursor = ${to}, backfill_target = ${to}`);
  tell("vacuum and counts");
  await database.execute(sql`vacuum analyze`);
  // Nothing was counted, because no trigger has fired.
  for (const name of ["before", "after"]) await findMiscount(database, await readProfile(database, name));
  for (;;) {
    const { rows } = await database.execute(sql`select from reembed.count_marks limit 1`);
    if (rows.length === 0) return;
    await recountBlocks(database);
  }
}

/** Gives edited texts their vectors, so that at every size as many edits wait as at the others. */
async function settleEdits(database: Database, relation: string): Promise<void> {
  await takeChanges(database);
  await database.execute(sql`
    update reembed.chunk_embeddings e set content_hash = sha256(convert_to(c.content, 'UTF8'))
    from reembed.chunk_changes w join ${sql.raw(relation)} c on c.id = w.chunk_id
    where e.profile = w.profile and e.chunk_id = w.chunk_id`);
  await database.execute(sql`delete from reembed.chunk_changes`);
}

/** Edits texts all over the corpus, as an application would: the triggers record it. */
export async function editChunks(database: Database, edits: number, round: number): Promise<void> {
  const { relation, backfillTarget } = await readCandidate(database);
  await database.execute(sql`
    update ${sql.raw(relation)} c set content = 'Правка ' || ${round}::int || ' отпуска ' || c.id
    where c.id = any(array(select 1 + (n::bigint * ${backfillTarget}) / ${edits} + ${round}::int
      from generate_series(0, ${edits - 1}::int) n))`);
}
