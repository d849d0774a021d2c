import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
  testProfile,
} from "@reembed/testing";
import { expect, test } from "vitest";
import { readPendingChunks } from "../embeddings/pending.ts";
import { readProfile } from "../profiles/profiles.ts";
import { isBackfillDone, readNextChunks, setBackfillSettings } from "../progress/backfill.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { readCoverage } from "../progress/coverage.ts";
import { registerProfiles } from "../registration/registration.ts";
import { checkVectors } from "../verification/verification-checks.ts";

describeOnEachServer(
  "an adopted table whose chunks are kept",
  (open) => {
    test("is embedded by the candidate row by row, without cutting anything, and its edits are", async () => {
      const { database, adopt, query, rows, changes } = await beginAdoption(await open(), { ownRole: true });
      await adopt({ ...applicationColumns, chunks: "keep" });
      const baseline = await readProfile(database, adoptedProfile.name);
      const registered = await readProfile(database, followingProfile.name);
      expect(registered).toMatchObject({ relation: baseline.relation, source: baseline.source, paused: true });
      expect(await startBackfill(database, registered)).toBe(true);
      const ids = (await query("select id from document_chunks order by id")).map(({ id }) => id);
      const pending = await readPendingChunks(database, registered, ids);
      expect(pending.map(({ id }) => id)).toEqual(ids);
      await query("update document_chunks set content = 'edited' where id = 1");
      await changes();
      expect((await readCoverage(database, registered)).changes).toBe(1);
      expect(await rows("select from reembed.chunks")).toEqual([]);
    });

    test.for(["id", "newest"] as const)(
      "may have ids of 0 and below, which are copied, verified and embedded like all others, in the order %s",
      async (order) => {
        const { database, adopt, query } = await beginAdoption(await open(), { ownRole: true });
        await query("update document_chunks set id = 1 - id");
        await adopt({ ...applicationColumns, chunks: "keep" });
        const ids = (await query("select id from document_chunks order by id")).map(({ id }) => Number(id));
        expect(ids.at(-1)).toBe(0);
        const baseline = await readProfile(database, adoptedProfile.name);
        const { chunks, embedded } = await readCoverage(database, baseline);
        expect({ chunks, embedded }).toEqual({ chunks: ids.length, embedded: ids.length });
        let checked = 0;
        for await (const page of checkVectors(database, baseline)) {
          for (const { chunks } of page.checked) checked += chunks;
        }
        expect(checked).toBe(ids.length);

        const candidate = () => readProfile(database, followingProfile.name);
        await startBackfill(database, await candidate());
        await setBackfillSettings(database, await candidate(), { order, until: null, rate: null });
        expect(isBackfillDone(await candidate())).toBe(false);
        const { chunkIds, cursor } = await readNextChunks(database, await candidate(), { limit: 1_000 });
        expect(chunkIds).toEqual(order === "newest" ? ids.toReversed() : ids);
        expect(isBackfillDone({ ...(await candidate()), backfillCursor: cursor })).toBe(true);
      },
    );

    test("stays so when profiles are registered again, and is what a later profile embeds", async () => {
      const { database, adopt } = await beginAdoption(await open(), { ownRole: true });
      await adopt({ ...applicationColumns, chunks: "keep" });
      const later = testProfile("mini-m3", { size: 900, overlap: 0 });
      await registerProfiles(database, [adoptedProfile, followingProfile, later]);
      for (const { name } of [followingProfile, later]) {
        expect(await readProfile(database, name)).toMatchObject({ chunking: "200-30" });
      }
    });
  },
  ["PostgreSQL"],
);
