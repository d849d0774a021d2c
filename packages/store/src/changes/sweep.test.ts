import { adoptedProfile, beginAdoption, describeOnEachServer } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { type Database, openDatabase } from "../database/database.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { checkVectors, findOrphans } from "../verification/verification-checks.ts";
import { takeChanges } from "./change-log.ts";
import { sweepBlock } from "./sweep.ts";

const always = { everyMs: 0 };

async function failures(database: Database): Promise<Record<string, number>> {
  const profile = await readProfile(database, adoptedProfile.name);
  const found: Record<string, number> = { orphan: (await findOrphans(database, profile)).vectors };
  for await (const { checked } of checkVectors(database, profile)) {
    for (const { state, chunks } of checked) found[state] = (found[state] ?? 0) + chunks;
  }
  return found;
}

// The setting session_replication_role belongs to a session, and PGlite has one session for all its connections.
describeOnEachServer(
  "changes that no trigger recorded",
  (open) => {
    async function begin() {
      const servers = await open();
      const begun = await beginAdoption(servers, { ownRole: true });
      await begun.adopt();
      await begun.rechunk();
      const { database } = begun;
      await database.execute(sql`update reembed.profiles set state = 'backfilled' where name = ${adoptedProfile.name}`);
      const replica = openDatabase({
        connectionString: `${servers.connectionString}?options=-c%20session_replication_role%3Dreplica`,
        maxConnections: 1,
      });
      onTestFinished(() => replica.$client.end());
      await database.execute(sql`grant all on document_chunks to current_user`);
      const profile = await readProfile(database, adoptedProfile.name);
      const { rows } = await database.execute<{ id: number; document: string }>(
        sql`select id, document_id as document from document_chunks order by id`,
      );
      return { ...begun, profile, replica, chunks: rows };
    }

    test("are found in both directions, a block of ids at a time, and processed like all changes", async () => {
      const { database, replica, profile, chunks, changes, rows } = await begin();
      const [edited, deleted] = [chunks[1], chunks.at(-1)];
      expect(await changes()).toEqual({ chunks: [], documents: [] });
      await replica.execute(sql`update document_chunks set content = 'edited' where id = ${edited?.id}`);
      await replica.execute(sql`delete from document_chunks where id = ${deleted?.id}`);
      await replica.execute(sql`
        insert into document_chunks (id, document_id, chunk_index, content, tenant, checksum)
        values (9000, 'omega', 0, 'new', 'acme', 'new')`);
      expect(await changes()).toEqual({ chunks: [], documents: [] });
      expect(await failures(database)).toMatchObject({ orphan: 1, old_text: 1, missing: 1 });

      const found = [];
      for (let block = 0; block <= chunks.length / 4; block++) {
        found.push(await sweepBlock(database, profile, { ...always, chunks: 4 }));
      }
      expect(found.filter((count) => count > 0).length).toBe(2);
      const documents = [...new Set([edited?.document, deleted?.document, "omega"])].sort();
      expect(await changes()).toEqual({ chunks: [edited?.id, 9000], documents });
      expect(await rows(`select from reembed.chunk_embeddings where chunk_id = ${deleted?.id}`)).toEqual([]);
      expect(await failures(database)).toMatchObject({ orphan: 0, changing: 2 });
    });

    test("never make the coverage count more vectors than chunks, and a truncation is found too", async () => {
      const { database, replica, profile, chunks, changes, rows } = await begin();
      await replica.execute(sql`delete from document_chunks where id <> ${chunks[0]?.id}`);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 1, embedded: 1, pending: 0, coverage: 1 });
      await replica.execute(sql`truncate document_chunks`);
      expect(await sweepBlock(database, profile, always)).toBe(chunks.length);
      await changes();
      expect(await rows("select from reembed.chunk_embeddings")).toEqual([]);
    });

    test("leave waiting changes with their attempts; between two rounds no text is read", async () => {
      const { database, replica, profile, chunks, query } = await begin();
      await query("update document_chunks set content = 'told' where id = $1", [chunks[0]?.id]);
      expect(await sweepBlock(database, profile)).toBe(0);
      await replica.execute(sql`update document_chunks set content = 'not told' where id = ${chunks[1]?.id}`);
      expect(await sweepBlock(database, profile)).toBe(0);
      await takeChanges(database);
      await database.execute(sql`update reembed.chunk_changes set attempts = 3`);
      expect(await sweepBlock(database, profile, always)).toBe(1);
      await takeChanges(database);
      expect(await sweepBlock(database, profile, always)).toBe(0);
      const { rows } = await database.execute(sql`
        select chunk_id::int as id, attempts from reembed.chunk_changes where profile = ${profile.name} order by 1`);
      expect(rows).toEqual([
        { id: chunks[0]?.id, attempts: 3 },
        { id: chunks[1]?.id, attempts: 0 },
      ]);
    });
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);
