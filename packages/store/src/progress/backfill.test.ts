import { beforeFirstId } from "@reembed/core";
import { describeOnEachServer, openTestDatabase, readBackfillIds, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { upsertEmbeddings } from "../embeddings/embeddings.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { quarantineChunks } from "../embeddings/quarantine.ts";
import { readProfile } from "../profiles/profiles.ts";
import { moveCursorBack, readNextChunks, setBackfillSettings } from "./backfill.ts";
import { advanceCursor, startBackfill } from "./backfill-state.ts";

describeOnEachServer(
  "the next chunks of a backfill",
  (open) => {
    let database: Database;
    let ids: number[];
    const profile = () => readProfile(database, "mini-m3");
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
      await storeBodies(database, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
      await startBackfill(database, await profile());
      ids = await readBackfillIds(database, await profile(), 10);
      const pending = await readPendingChunks(database, await profile(), ids);
      const [quarantined, ...embedded] = pending.filter((_, index) => index < 6).toReversed();
      const vector = new Float32Array(1024).fill(1 / 32);
      const rest = { vector, tokenCount: 1, truncatedTokens: 0 };
      await upsertEmbeddings(
        database,
        await profile(),
        embedded.map(({ id, contentHash }) => ({ chunkId: id, contentHash, ...rest })),
      );
      const { id: chunkId, contentHash } = quarantined ?? { id: 0, contentHash: Buffer.of() };
      await quarantineChunks(database, await profile(), [{ chunkId, contentHash, reason: "odd", detail: "" }]);
      return () => database.$client.end();
    });

    /** Everything that it takes from its present position, and the cursors on the way. */
    async function takeAll(lookAtMost: number): Promise<{ taken: number[]; cursors: number[] }> {
      const taken: number[] = [];
      const cursors: number[] = [];
      for (let current = await profile(); ; current = await profile()) {
        const { chunkIds, cursor } = await readNextChunks(database, current, { limit: 2, lookAtMost });
        if (cursor === current.backfillCursor) return { taken, cursors };
        taken.push(...chunkIds);
        cursors.push(cursor);
        await advanceCursor(database, current, cursor);
      }
    }

    test("it skips chunks with vectors, a limited number of ids at a time, and takes the others in its order", async () => {
      const up = await takeAll(3);
      expect(up.taken).toEqual(ids.slice(5));
      // Three chunks with vectors; two more and one to take; two to take; the end.
      expect(up.cursors).toEqual([ids[2], ids[5], ids[7], ids[9]]);
      await setBackfillSettings(database, await profile(), { order: "newest", until: null, rate: null });
      const down = await takeAll(3);
      expect(down.taken).toEqual(ids.slice(5).toReversed());
      expect(down.cursors.at(-1)).toBe(beforeFirstId);
    });

    test("withdrawn chunks are taken again in either direction, and no other chunk is skipped", async () => {
      const withdrawn = async (order: "id" | "newest", chunkIds: number[]) => {
        await database.execute(sql`
          update reembed.profiles set backfill_order = ${order}, backfill_target = ${ids[9]},
            backfill_cursor = ${order === "id" ? ids[9] : beforeFirstId}`);
        await moveCursorBack(database, await profile(), chunkIds);
        return (await takeAll(100)).taken;
      };
      expect(await withdrawn("id", ids.slice(7, 9))).toEqual(ids.slice(7));
      expect(await withdrawn("newest", ids.slice(6, 8))).toEqual(ids.slice(5, 8).toReversed());
    });

    test("the cursor does not move for a producer that read the profile before it was written, even with the same values", async () => {
      for (const change of [
        sql`paused = not paused`,
        sql`backfill_order = 'id'`,
        sql`backfill_cursor = backfill_cursor`,
      ]) {
        const before = await profile();
        await database.execute(sql`update reembed.profiles set ${change}`);
        expect(await advanceCursor(database, before, before.backfillCursor)).toBe(false);
      }
      const current = await profile();
      expect(await advanceCursor(database, current, current.backfillCursor)).toBe(true);
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);
