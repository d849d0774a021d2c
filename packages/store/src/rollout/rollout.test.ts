import { servingProfile, withPercent } from "@reembed/core";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { type Database, openDatabase } from "../database/database.ts";
import { changeRollout, readRollout } from "./rollout.ts";
import { rolloutBucket } from "./rollout-bucket.ts";
import { readRolloutEvents } from "./rollout-events.ts";
import { ensureRollout } from "./rollout-pair.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
const pair = { baseline: "mini-rubert", candidate: "mini-m3" };
const because = { by: "anna", reason: "looks good" };

describeOnEachServer(
  "the rollout",
  (open, kind) => {
    let database: Database & AsyncDisposable;
    let connectionString: string;
    beforeAll(async () => {
      const servers = await open();
      connectionString = servers.connectionString;
      database = await openTestDatabase(servers, profiles);
      await ensureRollout(database, pair);
      return () => database[Symbol.asyncDispose]();
    });

    test("chooses the same profile for every subject in SQL and in JavaScript, with any letters", async () => {
      const letters = ["a", "Z", "ё", "ß", "日", "🦉", "e\u0301", " ", "'", "\\", "%", "\u200f"];
      const subjects = Array.from(
        { length: 2_000 },
        (_, index) => `${letters[index % letters.length]}${index}${letters[(index * 7) % letters.length]}`,
      ).concat("", ...letters);
      // On both sides of 0.07 %, where 100 times the share is slightly more than 7, and more still as a real.
      const { salt } = await readRollout(database);
      const within = (bucket: number): string => {
        for (let index = 0; ; index++) if (rolloutBucket(`${index}`, salt) === bucket) return `${index}`;
      };
      subjects.push(within(6), within(7));
      for (const percent of [0.07, 12.34, 50]) {
        const before = await readRollout(database);
        const rollout = await changeRollout(database, before, withPercent(before, percent), because);
        const { rows } = await database.execute<{ ours: string; public: string }>(sql`
          select reembed.reembed_profile(subject) as ours, reembed_profile(subject) as public
          from unnest(${sql.param(subjects)}::text[]) with ordinality as input (subject, place) order by place`);
        const expected = subjects.map((subject) => servingProfile(rollout, rolloutBucket(subject, rollout.salt)));
        expect(rows.filter((row, index) => row.ours !== expected[index] || row.public !== expected[index])).toEqual([]);
        expect(rows.length).toBe(subjects.length);
        // The hash spreads subjects evenly: a share of subjects is that share of buckets.
        const share = expected.filter((profile) => profile === pair.candidate).length / expected.length;
        expect(Math.abs(share - percent / 100)).toBeLessThan(0.03);
      }
    });

    test("is changed by the first of several concurrent decisions; the others get an error with the name", async () => {
      const processes = [1, 2, 3, 4].map(() => openDatabase({ connectionString, maxConnections: 1 }));
      const seen = await readRollout(database);
      const decided = await Promise.allSettled(
        processes.map((process, index) =>
          changeRollout(process, seen, withPercent(seen, index + 1), { by: `person ${index + 1}`, reason: "mine" }),
        ),
      );
      await Promise.all(processes.map((process) => process.$client.end()));
      const refused = decided.filter((result) => result.status === "rejected").map(({ reason }) => `${reason.message}`);
      const rollout = await readRollout(database);
      expect(refused).toEqual(
        Array(3).fill(
          `Somebody else has changed the rollout meanwhile: canary, ${rollout.percent} %, by person ${rollout.percent}: mine`,
        ),
      );
      expect(rollout.version).toBe(seen.version + 1);
      const events = await readRolloutEvents(database, 100);
      expect(events.filter(({ reason }) => reason === "mine").length).toBe(1);
    });

    test("follows the environment to another pair only if nobody is affected", async () => {
      const other = { baseline: "mini-m3", candidate: "mini-rubert" };
      const serving = await readRollout(database);
      expect(serving.percent).toBeGreaterThan(0);
      await ensureRollout(database, other);
      expect(await readRollout(database)).toEqual(serving);
      // The migration plan's rollback: the old model for both.
      await ensureRollout(database, { ...pair, candidate: pair.baseline });
      expect(await readRollout(database)).toMatchObject({ stage: "baseline", percent: 0, candidate: pair.baseline });
      await ensureRollout(database, pair);
      const back = await readRollout(database);
      expect(back).toMatchObject(pair);
      expect(back.salt).not.toBe(serving.salt);

      await storeBodies(database, ["one"]);
      await database.execute(sql`
        insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
        select 'mini-rubert', id, '', array_fill(1, array[312])::real[]::halfvec, 'r' from reembed."chunks_1500-150"`);
      await ensureRollout(database, other);
      expect(await readRollout(database)).toEqual(back);
      await database.execute(sql`delete from reembed.chunk_embeddings`);
      await ensureRollout(database, other);
      expect(await readRollout(database)).toMatchObject({ ...other, stage: "baseline", percent: 0 });
      const [event] = await readRolloutEvents(database, 1);
      expect(event).toMatchObject({
        changedBy: "environment",
        reason: expect.stringContaining("mini-m3 → mini-rubert"),
      });
    });

    describe.runIf(kind === "PostgreSQL")("natively", () => {
      test("shows an application's role the profiles of its subjects, and nothing else", async () => {
        const role = `app_${Date.now()}`;
        await database.execute(sql.raw(`create role ${role}`));
        const asRole = (query: string) =>
          database.transaction(async (transaction) => {
            await transaction.execute(sql.raw(`set local role ${role}`));
            return await transaction.execute(sql.raw(query));
          });
        expect((await asRole("select reembed_profile('user-42') as profile")).rows).toEqual([{ profile: "mini-m3" }]);
        await expect(asRole("select salt from reembed.rollouts")).rejects.toThrow();
        await database.execute(sql.raw(`drop role ${role}`));
      });
    });
  },
  ["embedded", "PostgreSQL"],
);
