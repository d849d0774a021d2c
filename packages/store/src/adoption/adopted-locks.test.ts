import {
  adoptedProfile,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
  HashingEmbedder,
  versionedBody,
  waitFor,
} from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { openDatabase } from "../database/database.ts";
import { upsertEmbeddings } from "../embeddings/embeddings.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { recutChangedDocuments, recutUncutDocuments } from "../rechunking/document-changes.ts";

/**
 * We stop waiting for a lock after 2 s, and sessions that wait behind us proceed then. An application that waits for a lock
 * much longer than that fails the test; how long its statements take depends on the machine.
 */
const impatience = "set lock_timeout = '10s'";

describeOnEachServer(
  "an application that reads and writes its table",
  (open) => {
    test("continues while its table is adopted, even if one of its transactions stays open for long", async () => {
      const { application, adopt, rows } = await beginAdoption(await open(), { ownRole: true });
      const long = await application.connect();
      await long.query("begin");
      await long.query("update document_chunks set views = views + 1 where id = 1");
      const adopted = adopt();
      const waiting = "select from pg_locks where not granted and relation = 'document_chunks'::regclass";
      await waitFor("the adoption to wait for the transaction", async () => (await rows(waiting)).length > 0);
      await application.client.query(impatience);
      await application.client.query("update document_chunks set views = views + 1 where id = 2");
      await long.query("update document_chunks set content = 'while it waited' where id = 3");
      await long.query("commit");
      await adopted;
      const [vector] = await rows(
        "select content_hash = sha256('while it waited'::bytea) as current from reembed.chunk_embeddings where chunk_id = 3",
      );
      expect(vector).toEqual({ current: true });
    });

    test("has its last edit in every chunking, even if rechunk had read the text before it", async () => {
      const servers = await open();
      const begun = await beginAdoption(servers, { ownRole: true });
      await begun.adopt();
      const gate = await begun.database.$client.connect();
      await gate.query("select pg_advisory_lock(42)");
      await gate.query(`
        create function public.stand_still() returns trigger language plpgsql as $$ begin
          if current_setting('application_name') = 'slow' then perform pg_advisory_xact_lock(42); end if;
          return new;
        end $$`);
      await gate.query(
        "create trigger stand_still before insert on reembed.documents for each row execute function public.stand_still()",
      );
      const connectAs = (name: string) => {
        const own = openDatabase({ connectionString: `${servers.connectionString}?application_name=${name}` });
        onTestFinished(() => own.$client.end());
        return own;
      };
      const waiting = (name: string) => async () => {
        const { rowCount } = await gate.query(
          "select from pg_stat_activity where datname = current_database() and application_name = $1 and wait_event_type = 'Lock'",
          [name],
        );
        return rowCount === 1;
      };
      const rechunked = recutUncutDocuments(connectAs("slow"), { after: 0, limit: 10 });
      await waitFor("rechunk to have read the texts", waiting("slow"));
      await begun.query("delete from document_chunks where document_id = 'beta'");
      await begun.application.write("beta", versionedBody("beta", 1));
      let done = false;
      const followed = recutChangedDocuments(connectAs("fast"), { limit: 10 }).then(() => {
        done = true;
      });
      await waitFor("the producer to be done, or to wait", async () => done || (await waiting("fast")()));
      await gate.query("select pg_advisory_unlock(42)");
      gate.release();
      await Promise.all([rechunked, followed]);
      const bodies = Object.fromEntries(begun.documents.map((name) => [name, versionedBody(name)]));
      await begun.expectCandidate({ ...bodies, beta: versionedBody("beta", 1) });
    });

    test("continues before, during and after the adoption, and everything that it writes is followed", async () => {
      const begun = await beginAdoption(await open(), { ownRole: true });
      const { database, application, documents } = begun;
      let ending = false;
      const written = { rounds: 0, searches: 0 };
      const bodies: Record<string, string> = Object.fromEntries(documents.map((name) => [name, versionedBody(name)]));
      const write = async () => {
        for (; !ending; written.rounds++) {
          const name = `document-${written.rounds % 7}`;
          await application.client.query("delete from document_chunks where document_id = $1", [name]);
          delete bodies[name];
          if (written.rounds % 3 === 2) continue;
          bodies[name] = versionedBody(name, written.rounds);
          await application.write(name, bodies[name]);
          await application.client.query("update document_chunks set views = views + 1 where document_id = 'alpha'");
        }
      };
      const reader = await application.connect();
      const search = async () => {
        const nearest =
          "select id from document_chunks order by embedding <=> (select embedding from document_chunks limit 1) limit 5";
        for (; !ending; written.searches++) await reader.query(nearest);
      };
      for (const client of [application.client, reader]) await client.query(impatience);
      const running = Promise.all([write(), search()]);
      const rounds = async (more: number) => {
        const until = written.rounds + more;
        await Promise.race([running, waitFor(`${more} rounds of the application`, () => written.rounds >= until)]);
      };
      await rounds(3);
      await begun.adopt();
      await rounds(3);
      await begun.rechunk();
      await startBackfill(database, await readProfile(database, followingProfile.name));
      for (let round = 0; round < 3; round++) {
        await recutChangedDocuments(database, { limit: 3 });
        for (const profile of [adoptedProfile, followingProfile]) await embedAll(profile.name);
        await rounds(2);
      }
      ending = true;
      await running;
      expect(written.searches).toBeGreaterThan(20);

      await begun.rechunk();
      await begun.expectCandidate(bodies);
      await takeChanges(database);
      for (const profile of [adoptedProfile, followingProfile]) await embedAll(profile.name);
      expect(
        await begun.rows(`
        select p.name, c.id from reembed.profiles p
        join (select '${followingProfile.name}' as profile, id, content from ${begun.candidateChunks}
          union all select '${adoptedProfile.name}', id, content from document_chunks) c on c.profile = p.name
        full join reembed.chunk_embeddings e on e.profile = c.profile and e.chunk_id = c.id
        where e.content_hash is distinct from sha256(convert_to(c.content, 'UTF8'))`),
      ).toEqual([]);
      expect((await begun.places()).wrong).toBe(0);

      async function embedAll(name: string): Promise<void> {
        const profile = await readProfile(database, name);
        const { model } = [adoptedProfile, followingProfile].find((known) => known.name === name) ?? adoptedProfile;
        const ids = await begun.rows(`select id from ${profile.relation} c`);
        const pending = await readPendingChunks(
          database,
          profile,
          ids.map(({ id }) => Number(id)),
        );
        for await (const outcomes of new HashingEmbedder({ model }).embed(
          pending.map(({ content }) => content),
          { as: "passage" },
        )) {
          const embedded = outcomes.flatMap((outcome) => {
            const chunk = pending[outcome.index];
            return chunk === undefined || "rejected" in outcome
              ? []
              : [{ ...outcome, chunkId: chunk.id, contentHash: chunk.contentHash }];
          });
          await upsertEmbeddings(database, profile, embedded);
        }
      }
    });
  },
  ["PostgreSQL"],
);
