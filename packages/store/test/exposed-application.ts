import { randomUUID } from "node:crypto";
import { adoptedProfile, followingProfile, openTestDatabase, type TestServers } from "@reembed/testing";
import { sql } from "drizzle-orm";
import pg from "pg";
import { onTestFinished } from "vitest";
import { checkSource } from "../src/adoption/adoption-source.ts";
import { takeOver } from "../src/adoption/adoption-takeover.ts";
import { copyVectors } from "../src/adoption/adoption-vectors.ts";
import type { VectorType } from "../src/exposure/exposed-vectors.ts";
import { planExposure } from "../src/exposure/exposure.ts";
import { readProfile } from "../src/profiles/profiles.ts";
import { registerProfiles } from "../src/registration/registration.ts";
import type { ChunkSource } from "../src/schema/corpus.ts";
import { embeddingsPartition } from "../src/schema/relations.ts";

export interface ExposedApplication {
  /** Statements that create its table, owned by the role that runs them. */
  tables: string;
  /** Inserts its rows, with `vector(n)` for the vector of row n. */
  rows: string;
  source: ChunkSource;
  /** Whether the candidate's vectors get an ANN index. */
  indexed?: boolean;
}

/** The vector of a text's number, of any length, as an SQL expression. */
export const vectorOf = (number: string, dimensions: number) =>
  `(select l2_normalize(array_agg(sin(${number} * i))::real[]::vector) from generate_series(1, ${dimensions}) i)`;

/** An application whose table was adopted with its chunks, and a candidate with vectors of all of its rows. */
export async function openExposedApplication(servers: TestServers, application: ExposedApplication) {
  const role = `app_${randomUUID().slice(0, 8)}`;
  const database = await openTestDatabase(servers, [adoptedProfile, followingProfile]);
  onTestFinished(() => database.$client.end());
  const admin = async (text: string) => (await database.$client.query(text)).rows;
  await admin(`create role ${role} login`);
  await admin(`grant create on schema public to ${role}`);
  const connect = async (searchPath = "public") => {
    const url = new URL(servers.connectionString);
    url.username = role;
    const client = new pg.Client({ connectionString: url.href, options: `-c search_path=${searchPath}` });
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };
  const client = await connect();
  await client.query(application.tables);
  await client.query(application.rows);
  const source = await checkSource(database, application.source);
  await takeOver(database, adoptedProfile, { ...source, chunks: "keep" }, { vectors: true });
  await registerProfiles(database, [adoptedProfile, followingProfile]);
  while ((await copyVectors(database, adoptedProfile.name, 1_000)) !== undefined);
  const candidate = await readProfile(database, followingProfile.name);
  const partition = embeddingsPartition(candidate.name);
  await database.execute(sql`
    insert into ${sql.raw(partition)} (profile, chunk_id, content_hash, embedding, model_revision)
    select ${candidate.name}, c.id, sha256(convert_to(c.content, 'UTF8')),
      ${sql.raw(vectorOf("c.id", candidate.dimensions))}::halfvec, ${candidate.revision} from ${sql.raw(candidate.relation)} c`);
  if (application.indexed) {
    await admin(`create index by_test on ${partition}
      using hnsw ((embedding::halfvec(${candidate.dimensions})) halfvec_cosine_ops)`);
  }
  await admin("analyze");
  return {
    ...{ database, role, client, connect, admin, candidate, partition },
    plan: async (type: VectorType = "halfvec") => {
      const profile = await readProfile(database, candidate.name);
      if (profile.source === null) throw new TypeError("The candidate has the adopted chunks");
      const options = { type, baselineDimensions: adoptedProfile.model.dimensions };
      return await planExposure(database, { ...profile, source: profile.source }, options);
    },
  };
}
