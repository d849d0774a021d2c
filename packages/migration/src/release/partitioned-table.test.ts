import { checkSource, copyVectors, takeOver } from "@reembed/store/adoption";
import { takeChanges } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import {
  adoptedProfile,
  describeOnEachServer,
  followingProfile,
  HashingEmbedder,
  openTestDatabase,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { exposeProfile } from "../expose/expose-profile.ts";
import { verifyProfile } from "../verify/verify-profile.ts";
import { releaseTable } from "./release-table.ts";

const profiles = [adoptedProfile, followingProfile];
const ways = [
  {
    by: "range",
    key: ["id", "year"],
    partitions: ["for values from (2000) to (2020)", "for values from (2020) to (2040)"],
  },
  {
    by: "hash",
    key: ["id"],
    partitions: ["for values with (modulus 2, remainder 0)", "for values with (modulus 2, remainder 1)"],
  },
];

async function vectorOf({ model }: (typeof profiles)[number], text: string): Promise<string> {
  for await (const [outcome] of new HashingEmbedder({ model }).embed([text], { as: "passage" })) {
    if (outcome !== undefined && "vector" in outcome) return `[${outcome.vector.join()}]`;
  }
  throw new TypeError(`${text} has no vector`);
}

/** Embeds what is pending, as a worker does. */
async function embed(database: Database, { name, model }: (typeof profiles)[number]): Promise<void> {
  await takeChanges(database);
  const profile = await readProfile(database, name);
  const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(profile.relation)} c`);
  const pending = await readPendingChunks(
    database,
    profile,
    rows.map(({ id }) => Number(id)),
  );
  const texts = pending.map(({ content }) => content);
  for await (const outcomes of new HashingEmbedder({ model }).embed(texts, { as: "passage" })) {
    for (const outcome of outcomes) {
      const { id: chunkId = 0, contentHash = Buffer.alloc(0) } = pending[outcome.index] ?? {};
      if ("vector" in outcome) await upsertEmbeddings(database, profile, [{ ...outcome, chunkId, contentHash }]);
    }
  }
  await database.execute(sql`update reembed.profiles set state = 'backfilled' where name = ${name}`);
}

describeOnEachServer(
  "a partitioned table",
  (open) => {
    test.for(ways)("is adopted, followed, proven, exposed and released, partitioned by $by", async (way) => {
      const { by, key, partitions } = way;
      await using database = await openTestDatabase(await open(), profiles);
      const query = async (text: string) => (await database.$client.query(text)).rows;
      await query(`create table parts (id bigint, year int default 2010, content text, embedding vector(312),
        primary key (${key.join(", ")})) partition by ${by} (${key.at(-1)})`);
      for (const [index, bounds] of partitions.entries()) {
        await query(`create table parts_${index} partition of parts ${bounds}`);
      }
      for (let id = 1; id <= 20; id++) {
        const text = `text ${id}`;
        await query(
          `insert into parts values (${id}, ${2000 + id}, '${text}', '${await vectorOf(adoptedProfile, text)}')`,
        );
      }
      const wanted = { table: "parts", id: key, content: "content", embedding: "embedding", chunks: "keep" as const };
      const source = { ...(await checkSource(database, wanted)), chunks: "keep" as const };
      await takeOver(database, adoptedProfile, source, { vectors: true });
      await registerProfiles(database, profiles);
      while ((await copyVectors(database, adoptedProfile.name, 7)) !== undefined);
      await startBackfill(database, await readProfile(database, followingProfile.name));

      const [{ partition }] = await query("select tableoid::regclass::text as partition from parts where id = 1");
      await query("update parts set content = 'edited' where id in (1, 20)");
      await query(`update ${partition} set content = 'edited in its partition' where id = 1`);
      await query("delete from parts where id = 2");
      await query("insert into parts (id, content) values (50, 'new')");
      await query("update parts set year = 2030, id = 51 where id = 3");
      for (const profile of profiles) {
        await embed(database, profile);
        const report = await verifyProfile({
          ...{ database, profile: await readProfile(database, profile.name), sample: "all" as const },
          ...{ bars: { own: 0.99, adopted: 0.99 }, maxQuarantinedShare: 0, onProgress: () => {} },
          startEmbedder: async () => new HashingEmbedder({ model: profile.model }),
        });
        expect(report).toMatchObject({ passed: true, chunks: 20, current: 20 });
      }

      const [baseline, candidate] = [adoptedProfile.name, followingProfile.name];
      await ensureRollout(database, { baseline, candidate });
      const how = { type: "halfvec", roles: [], dryRun: false, onStep: () => {} } as const;
      const { schema, rows } = await exposeProfile(database, { profile: candidate, ...how });
      expect(rows).toEqual({ shown: 20, all: 20 });
      const vector = await vectorOf(followingProfile, "edited in its partition");
      expect(await query(`select id from ${schema}.parts order by embedding <=> '${vector}'::vector limit 1`)).toEqual([
        { id: "1" },
      ]);

      expect(await releaseTable({ database, table: "parts", confirm: async () => true })).toBeDefined();
      expect(await query("select tgname from pg_trigger where tgname like 'reembed%'")).toEqual([]);
      await query("alter table parts drop column content");
      await query("drop table parts");
    });
  },
  ["PostgreSQL"],
);
