import { type Profile, profiles } from "@reembed/core";
import { checkSource, copyVectors, takeOver } from "@reembed/store/adoption";
import { checkAllRows, takeChanges } from "@reembed/store/changes";
import { type Database, migrateDatabase } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { sql } from "drizzle-orm";
import { median, roundTo } from "../embed/figures.ts";
import { idTypes } from "../fleet/corpus.ts";
import { findPostmaster, postgresCpuSeconds } from "../fleet/cpu-use.ts";

const copiedTogether = 1_000;

type Ids = keyof typeof idTypes;

/** Seconds of an adoption: until the table is taken over, for the vectors, both, and PostgreSQL's CPU time for both. */
interface Parts {
  takeOver: number;
  copy: number;
  all: number;
  cpu: number;
}

export interface AdoptionFigures {
  /** Medians over the rounds. */
  seconds: Record<Ids, Parts>;
  /** With uuids divided by with integers, the median over the rounds: of the time, and of PostgreSQL's CPU time. */
  ratio: { time: number; cpu: number };
}

/** Adopts two tables that differ in their ids alone, in turns, each time into an empty schema. */
export async function measureAdoption(
  database: Database,
  { rows, rounds }: { rows: number; rounds: number },
  say: (line: string) => void,
): Promise<AdoptionFigures> {
  const profile = profiles.get("bge-m3");
  if (profile === undefined) throw new TypeError("There is no profile bge-m3");
  await database.execute(sql`create extension if not exists vector`);
  for (const ids of Object.keys(idTypes) as Ids[]) {
    say(`Filling a table of ${rows} rows with ids of type ${ids}`);
    await fillTable(database, ids, { rows, dimensions: profile.model.dimensions });
  }
  const measured: Record<Ids, Parts[]> = { integer: [], uuid: [] };
  for (let round = 1; round <= rounds; round++) {
    const order: Ids[] = round % 2 === 1 ? ["integer", "uuid"] : ["uuid", "integer"];
    for (const ids of order) {
      const parts = await adopt(database, profile, ids, rows);
      measured[ids].push(parts);
      say(`round ${round}, ${ids}: ${JSON.stringify(parts)}`);
    }
  }
  const medianOf = (ids: Ids, part: keyof Parts) => roundTo(median(measured[ids].map((parts) => parts[part])), 2);
  const partsOf = (ids: Ids): Parts => ({
    takeOver: medianOf(ids, "takeOver"),
    copy: medianOf(ids, "copy"),
    all: medianOf(ids, "all"),
    cpu: medianOf(ids, "cpu"),
  });
  const ratioOf = (part: keyof Parts) =>
    roundTo(median(measured.uuid.map((parts, round) => parts[part] / (measured.integer[round]?.[part] ?? 0))), 2);
  return {
    seconds: { integer: partsOf("integer"), uuid: partsOf("uuid") },
    ratio: { time: ratioOf("all"), cpu: ratioOf("cpu") },
  };
}

async function fillTable(
  database: Database,
  ids: Ids,
  { rows, dimensions }: { rows: number; dimensions: number },
): Promise<void> {
  const table = sql.raw(`passages_${ids}`);
  await database.execute(
    sql.raw(`create table passages_${ids} (
      id ${idTypes[ids]} primary key, content text not null, embedding vector(${dimensions}))`),
  );
  await database.execute(sql`
    insert into ${table} (content, embedding)
    select 'Отпуск номер ' || n || ' оплачивается за три дня до его начала.',
      array_fill((1 + n % 7)::real, array[${dimensions}::int])::vector
    from generate_series(1, ${rows}::int) n`);
  await database.execute(sql`vacuum analyze ${table}`);
}

/** As `adoptTable` does it, without the sample that a model embeds. */
async function adopt(database: Database, profile: Profile, ids: Ids, rows: number): Promise<Parts> {
  await migrateDatabase(database);
  await registerProfiles(database, [profile]);
  await database.execute(sql`checkpoint`);
  const postmaster = await findPostmaster(database);
  const cpuBefore = postgresCpuSeconds(postmaster);
  const startedAt = performance.now();
  const columns = { table: `passages_${ids}`, id: ["id"], content: "content", embedding: "embedding" };
  const source = { ...(await checkSource(database, columns)), chunks: "keep" as const };
  await takeOver(database, profile, source, { vectors: true });
  await checkAllRows(database);
  await takeChanges(database);
  const takenAt = performance.now();
  while ((await copyVectors(database, profile.name, copiedTogether)) !== undefined);
  const endedAt = performance.now();
  const cpu = postgresCpuSeconds(postmaster) - cpuBefore;
  const { embedded } = await readCoverage(database, await readProfile(database, profile.name));
  if (embedded !== rows) throw new Error(`${embedded} of ${rows} rows have a vector`);
  await database.execute(sql`drop schema reembed cascade`);
  const seconds = (from: number, to: number) => roundTo((to - from) / 1_000, 2);
  return {
    takeOver: seconds(startedAt, takenAt),
    copy: seconds(takenAt, endedAt),
    all: seconds(startedAt, endedAt),
    cpu: roundTo(cpu, 2),
  };
}
