import { BatchHandedBack, type EmbedBatch } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import { countAttempt, readDueChanges, takeChanges } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { readPendingChunks } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage, startBackfill } from "@reembed/store/progress";
import {
  describeOnOneServer,
  HashingEmbedder,
  openTestDatabase,
  storeBodies,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { embedBatch } from "./embed-batch.ts";

const m3 = testProfile("mini-m3");
const log = createLogger("silent");

describeOnOneServer(
  "embedding a batch",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let chunkIds: number[];
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`delete from reembed.documents`);
      await database.execute(sql`update reembed.profiles set state = 'registered'`);
      await storeBodies(database, ["pay", "leave", "trips", "safety"]);
      await startBackfill(database, await readProfile(database, m3.name));
      profile = await readProfile(database, m3.name);
      const { rows } = await database.execute<{ id: string }>(sql`select id from reembed.chunks order by id`);
      chunkIds = rows.map((row) => Number(row.id));
    });

    const edit = async (chunkId: number | undefined, content: string) => {
      await database.execute(sql`update ${sql.raw(profile.relation)} set content = ${content} where id = ${chunkId}`);
      await takeChanges(database);
    };

    function run(
      kind: EmbedBatch["kind"],
      beforeMicroBatch?: (texts: string[]) => Promise<void>,
      stopping = new AbortController().signal,
    ) {
      const embedder = new HashingEmbedder({ model: m3.model, microBatchSize: 2, beforeMicroBatch });
      const reports: number[] = [];
      const onProgress = async ({ share }: { share: number }) => void reports.push(share);
      const onStage = () => {};
      const batch = { profile: m3.name, kind, chunkIds };
      return embedBatch(batch, { database, profile, embedder, log, onProgress, onStage, stopping }).then((result) => ({
        ...result,
        reports,
      }));
    }

    /** Number of chunks whose stored vector is of another text than their present one. */
    async function outdated(): Promise<number> {
      const { rows } = await database.execute<{ count: number }>(sql`
        select count(*)::int as count from reembed.chunk_embeddings e join reembed.chunks c on c.id = e.chunk_id
        where e.content_hash <> sha256(convert_to(c.content, 'UTF8'))`);
      return rows[0]?.count ?? -1;
    }

    test("every chunk gets a vector, and progress is reported per micro-batch", async () => {
      expect(await run("backfill")).toMatchObject({ embedded: 4, stale: 0, quarantined: 0, reports: [0.5, 1] });
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 4, pending: 0 });
    });

    test("a second run finds nothing pending and embeds nothing", async () => {
      await run("backfill");
      const embedded: string[] = [];
      expect(await run("backfill", async (texts) => void embedded.push(...texts))).toMatchObject({ embedded: 0 });
      expect(embedded).toEqual([]);
    });

    test("a text that was embedded before is not embedded again, in any chunk", async () => {
      await run("backfill");
      await storeBodies(database, ["pay", "leave", "trips", "safety", "leave", "visas"]);
      const { rows } = await database.execute<{ id: string }>(sql`select id from reembed.chunks order by id`);
      chunkIds = rows.map((row) => Number(row.id));
      const embedded: string[] = [];
      const result = await run("changes", async (texts) => void embedded.push(...texts));
      expect(result).toMatchObject({ embedded: 1, reused: 1, stale: 0, reports: [0.5, 1] });
      expect(embedded).toEqual(["visas"]);
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 6, pending: 0, changes: 0 });
    });

    test("a stopping worker stores the current micro-batch and returns the rest with its attempts", async () => {
      await edit(chunkIds[3], "safety, edited");
      const stop = new AbortController();
      await expect(run("changes", async () => stop.abort(), stop.signal)).rejects.toThrow(BatchHandedBack);
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 2, pending: 2, changes: 1 });
      const left = await readPendingChunks(database, profile, chunkIds);
      expect(left.map(({ attempts }) => attempts)).toEqual([null, 0]);
      expect(await run("changes")).toMatchObject({ embedded: 2 });
    });

    test("a chunk edited while it is being embedded keeps no vector of its old text, and its change stays", async () => {
      let edited = false;
      const result = await run("backfill", async () => {
        if (!edited) await edit(chunkIds[0], "pay, edited");
        edited = true;
      });
      expect(result).toMatchObject({ embedded: 3, stale: 1 });
      expect(await outdated()).toBe(0);
      expect(await readDueChanges(database, profile, { limit: 10, queueIsEmpty: false })).toEqual([chunkIds[0]]);
      expect(await run("changes")).toMatchObject({ embedded: 1 });
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 4, pending: 0, changes: 0 });
    });

    test("a chunk with a vector that is edited is pending until its new text is embedded", async () => {
      await run("backfill");
      await edit(chunkIds[1], "leave, edited");
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 3, pending: 1, changes: 1 });
      expect(await run("changes")).toMatchObject({ embedded: 1 });
      expect(await outdated()).toBe(0);
    });

    test("a chunk deleted while it is being embedded is skipped", async () => {
      await run("backfill", async (texts) => {
        if (texts.includes("pay")) await database.execute(sql`delete from reembed.documents where body = 'pay'`);
      });
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 3, embedded: 3, pending: 0 });
    });

    test("a quarantined text that is edited and reverted has no pending change", async () => {
      await edit(chunkIds[2], "   ");
      await run("changes");
      await edit(chunkIds[2], "trips");
      await edit(chunkIds[2], "   ");
      expect(await run("changes")).toMatchObject({ embedded: 0, quarantined: 0 });
      expect(await readCoverage(database, profile)).toMatchObject({ pending: 0, changes: 0, quarantined: 1 });
    });

    test("a text that cannot be embedded is quarantined with its reason, and the others are stored", async () => {
      await edit(chunkIds[2], "   ");
      expect(await run("changes")).toMatchObject({ embedded: 3, quarantined: 1 });
      expect(await readCoverage(database, profile)).toMatchObject({
        embedded: 3,
        quarantined: 1,
        pending: 0,
        changes: 0,
      });
      const { rows } = await database.execute(sql`select chunk_id, reason from reembed.quarantined_chunks`);
      expect(rows).toEqual([{ chunk_id: `${chunkIds[2]}`, reason: "empty_text" }]);
    });

    test("a quarantined chunk is embedded again only after its text is edited", async () => {
      await edit(chunkIds[2], "   ");
      await run("changes");
      expect(await run("backfill")).toMatchObject({ embedded: 0, quarantined: 0 });
      await edit(chunkIds[2], "trips again");
      expect(await readCoverage(database, profile)).toMatchObject({ quarantined: 0, pending: 1 });
      expect(await run("changes")).toMatchObject({ embedded: 1 });
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 4, quarantined: 0, pending: 0 });
    });

    test("an edit to a text that cannot be embedded removes the vector of the old text", async () => {
      await run("backfill");
      await edit(chunkIds[2], "   ");
      expect(await run("changes")).toMatchObject({ quarantined: 1 });
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 3, quarantined: 1, pending: 0 });
      expect(await outdated()).toBe(0);
    });

    const failOn = (poison: string) => async (texts: string[]) => {
      if (texts.includes(poison)) throw new Error("the model fails");
    };
    const reasons = async () =>
      (await database.execute(sql`select chunk_id::int, reason, detail from reembed.quarantined_chunks`)).rows;

    test("a chunk on which the embedder fails is found by halving and quarantined; the others are stored", async () => {
      expect(await run("backfill", failOn("trips"))).toMatchObject({ embedded: 3, quarantined: 1 });
      expect(await reasons()).toEqual([
        { chunk_id: chunkIds[2], reason: "embedding_failed", detail: "the model fails" },
      ]);
    });

    test("if an embedder fails on every text, the batch fails and nothing is quarantined", async () => {
      for (let attempt = 0; attempt < 6; attempt++) {
        await edit(chunkIds[0], `edit ${attempt}`);
        const fail = async () => Promise.reject(new Error("the device is gone"));
        await expect(run("changes", fail)).rejects.toThrow("the device is gone");
      }
      expect(await reasons()).toEqual([]);
      expect(await run("changes")).toMatchObject({ embedded: 4 });
    });

    test("a chunk of which five workers died is quarantined, and the other chunks of its batches are not", async () => {
      await edit(chunkIds[0], "poison");
      await edit(chunkIds[1], "bystander");
      // A worker that dies has counted its attempt and stores nothing.
      await countAttempt(database, profile, chunkIds);
      const embedded: string[][] = [];
      const dieOfPoison = async (texts: string[]) => {
        embedded.push(texts);
        if (texts.includes("poison")) await new Promise(() => {});
      };
      for (let death = 2; death <= 5; death++) {
        void run("changes", dieOfPoison);
        await waitFor(
          "the poison to be taken",
          () => embedded.filter((texts) => texts.includes("poison")).length === death - 1,
        );
      }
      expect(embedded.every((texts) => texts.length === 1 || !texts.includes("poison"))).toBe(true);
      expect(await run("changes")).toMatchObject({ quarantined: 1, embedded: 1 });
      expect(await reasons()).toMatchObject([{ chunk_id: chunkIds[0], reason: "attempts_exhausted" }]);
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 3, quarantined: 1, pending: 0 });
    });
  },
  "PostgreSQL",
);
