import { readExposures } from "@reembed/store/exposure";
import { readProfile } from "@reembed/store/profiles";
import { ensureRollout } from "@reembed/store/rollout";
import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
} from "@reembed/testing";
import { expect, test } from "vitest";
import { exposeProfile } from "../expose/expose-profile.ts";
import { releaseTable } from "./release-table.ts";

describeOnEachServer(
  "an adopted table",
  (open) => {
    const release = async (begun: Awaited<ReturnType<typeof beginAdoption>>, answer = true) => {
      const asked: string[] = [];
      const confirm = async (question: string) => {
        asked.push(question);
        return answer;
      };
      const released = await releaseTable({ database: begun.database, table: "document_chunks", confirm });
      return { released, asked };
    };
    const left = `
      select 'function ' || proname as left from pg_proc where proname ~ 'follow_(chunk|document)_' union all
      select 'trigger ' || tgname from pg_trigger where tgname like 'reembed%' union all
      select 'chunk ' || chunk_id from reembed.chunk_embeddings union all
      select 'log' from reembed.change_log union all select 'number' from reembed.chunk_keys`;

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
      const [baseline, candidate] = [adoptedProfile.name, followingProfile.name];
      await ensureRollout(database, { baseline, candidate });
      const options = { profile: candidate, type: "halfvec", roles: [], dryRun: false, onStep: () => {} } as const;
      const { schema } = await exposeProfile(database, options);
      const { asked } = await release(begun);
      expect(asked).toEqual([expect.stringContaining(`the schema ${schema}, in which an application may read it`)]);
      expect(await readExposures(database)).toEqual([]);
      await begun.query("alter table document_chunks drop column content");
    });
  },
  ["PostgreSQL"],
);
