import type { Database } from "@reembed/store/database";
import { readExposures } from "@reembed/store/exposure";
import { readProfile } from "@reembed/store/profiles";
import { ensureRollout } from "@reembed/store/rollout";
import { embeddingsPartition } from "@reembed/store/schema";
import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
  openDyingDatabase,
} from "@reembed/testing";
import { expect, test } from "vitest";
import { exposeProfile } from "../expose/expose-profile.ts";
import { releaseTable } from "./release-table.ts";

describeOnEachServer(
  "an adopted table",
  (open) => {
    const release = async ({ database }: { database: Database }, answer = true) => {
      const asked: string[] = [];
      const confirm = async (question: string) => {
        asked.push(question);
        return answer;
      };
      const released = await releaseTable({ database, table: "document_chunks", confirm });
      return { released, asked };
    };
    const expose = async ({ database }: { database: Database }) => {
      const [baseline, candidate] = [adoptedProfile.name, followingProfile.name];
      await ensureRollout(database, { baseline, candidate });
      const options = { profile: candidate, type: "vector", roles: [], dryRun: false, onStep: () => {} } as const;
      return await exposeProfile(database, options);
    };
    const left = `
      select 'function ' || proname as left from pg_proc where proname ~ 'follow_(chunk|document)_' union all
      select 'trigger ' || tgname from pg_trigger where tgname like 'reembed%' union all
      select 'chunk ' || chunk_id from reembed.chunk_embeddings union all
      select 'log' from reembed.change_log union all select 'number' from reembed.chunk_keys union all
      select 'schema ' || nspname from pg_namespace where nspname like 'reembed\\_%' union all
      select 'index ' || relname from pg_class where relname like '%\\_exposed'`;

    test.each(["as it is", "without its text", "dropped"])(
      "is released with every trigger and function, whatever has become of it, and can be adopted again: %s",
      async (what) => {
        const begun = await beginAdoption(await open(), { ownRole: true });
        const { query, rows } = begun;
        await begun.adopt();
        expect((await rows(left)).length).toBeGreaterThan(5);
        if (what === "without its text") await query("alter table document_chunks drop column content");
        if (what === "dropped") await query("drop table document_chunks");
        await query("select 1");
        expect(await release(begun, false)).toMatchObject({
          released: undefined,
          asked: [
            expect.stringMatching(
              /^This removes \d triggers and functions of public.document_chunks, and the vectors of mini-rubert-200-30/,
            ),
          ],
        });
        expect((await rows(left)).length).toBeGreaterThan(5);
        const { released } = await release(begun);
        expect(released).toMatchObject({ table: "public.document_chunks", profiles: ["mini-rubert-200-30"] });
        expect(await rows(left)).toEqual([]);
        await expect(release(begun)).rejects.toMatchObject({ code: "not_adopted", exitCode: 3 });
        expect(await readProfile(begun.database, adoptedProfile.name)).toMatchObject({
          source: null,
          state: "registered",
        });
        if (what !== "as it is") return;
        await begun.adopt();
        expect((await rows(left)).length).toBeGreaterThan(5);
      },
    );

    test("is released with the schemas in which it is exposed", async () => {
      const begun = await beginAdoption(await open(), { ownRole: true });
      const { database } = begun;
      await begun.adopt({ ...applicationColumns, chunks: "keep" });
      const { schema } = await expose(begun);
      const { asked } = await release(begun);
      expect(asked).toEqual([expect.stringContaining(`the schema ${schema}, in which an application may read it`)]);
      expect(await readExposures(database)).toEqual([]);
      await begun.query("alter table document_chunks drop column content");
    });

    test("is released by whoever repeats a release that was killed, wherever that was", async () => {
      const servers = await open();
      const begun = await beginAdoption(servers, { ownRole: true });
      const partition = embeddingsPartition(followingProfile.name);
      for (let steps = 0; ; steps++) {
        await begun.adopt({ ...applicationColumns, chunks: "keep" });
        await expose(begun);
        await begun.rows(`create index "chunk_embeddings_${followingProfile.name}_exposed" on ${partition} (chunk_id)`);
        using dying = openDyingDatabase(servers.connectionString, steps);
        const killed = await release(dying).catch(() => undefined);
        const released = killed?.released ?? (await release(begun)).released;
        expect(released, `killed after ${steps} steps`).toBeDefined();
        expect(await begun.rows(left), `killed after ${steps} steps`).toEqual([]);
        const { relation } = await readProfile(begun.database, adoptedProfile.name);
        expect(await begun.rows(`select count(*)::int as chunks from ${relation}`)).toEqual([{ chunks: 0 }]);
        expect(await begun.rows(`select from reembed."search_${adoptedProfile.name}"`)).toEqual([]);
        if (!dying.died()) break;
      }
    });
  },
  ["PostgreSQL"],
);
