import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { changeRollout, ensureRollout, readRollout } from "@reembed/store/rollout";
import { embeddingsPartition } from "@reembed/store/schema";
import { recordVerification } from "@reembed/store/verification";
import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
  openDyingDatabase,
} from "@reembed/testing";
import { expect, test } from "vitest";
import { handOver, undoHandOver } from "./hand-over.ts";

const [baseline, candidate] = [adoptedProfile.name, followingProfile.name];
const confirm = async () => true;

describeOnEachServer(
  "a hand-over",
  (open) => {
    test("is completed and taken back by whoever repeats it after it was killed, wherever that was", async () => {
      const servers = await open();
      // The role in DATABASE_URL owns the table.
      const begun = await beginAdoption(servers, { ownRole: false });
      const { database, rows } = begun;
      await begun.adopt({ ...applicationColumns, chunks: "keep" });
      const { relation, dimensions, revision } = await readProfile(database, candidate);
      await rows(`
        insert into ${embeddingsPartition(candidate)} (profile, chunk_id, content_hash, embedding, model_revision)
        select '${candidate}', c.id, sha256(convert_to(c.content, 'UTF8')), (
          select l2_normalize(array_agg(sin(c.id * i))::real[]::vector)::halfvec from generate_series(1, ${dimensions}) i
        ), '${revision}' from ${relation} c`);
      await ensureRollout(database, { baseline, candidate });
      const now = await readRollout(database);
      await changeRollout(database, now, { ...now, stage: "full", percent: 100 }, { by: "anna", reason: "a test" });
      await recordVerification(database, { profile: candidate, passed: true, report: {} });
      const options = { keepDays: 0, maxMissingShare: 0, confirm, onStep: () => {}, onProgress: () => {} };
      const state = () =>
        rows(`select count(*)::int as rows, array_agg(distinct vector_dims(embedding)) as lengths,
          (select array_agg(attname::text order by 1) from pg_attribute
            where attrelid = 'document_chunks'::regclass and attname ~ 'reembed' and not attisdropped) as besides,
          (select count(*)::int from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
            where indrelid = 'document_chunks'::regclass and indisvalid and amname = 'hnsw') as indexes
          from document_chunks`);
      const [{ count }] = await rows("select count(*)::int as count from document_chunks");
      const before = [{ rows: count, lengths: [adoptedProfile.model.dimensions], besides: null, indexes: 1 }];
      const after = [{ rows: count, lengths: [dimensions], besides: ["reembed_old_embedding"], indexes: 2 }];
      expect(await state()).toEqual(before);
      const killed = async (steps: number, work: (dying: Database) => Promise<unknown>) => {
        using dying = openDyingDatabase(servers.connectionString, steps);
        await work(dying.database).catch(() => undefined);
        return dying.died();
      };
      for (let steps = 0; ; steps++) {
        const died = await killed(steps, (dying) => handOver(dying, options));
        await handOver(database, options);
        expect(await state(), `killed after ${steps} steps`).toEqual(after);
        await killed(steps, (dying) => undoHandOver(dying, confirm));
        await undoHandOver(database, confirm).catch((error) =>
          expect(error).toMatchObject({ code: "not_handed_over" }),
        );
        expect(await state(), `killed after ${steps} steps`).toEqual(before);
        if (!died) break;
      }
    });
  },
  ["PostgreSQL"],
);
