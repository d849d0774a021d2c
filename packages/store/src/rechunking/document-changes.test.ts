import { chunkText } from "@reembed/core";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { registerProfiles } from "../registration/registration.ts";
import { countUncutDocuments, recutChangedDocuments, recutUncutDocuments } from "./document-changes.ts";

const profiles = [
  testProfile("mini-rubert", { size: 100, overlap: 0 }),
  testProfile("mini-m3", { size: 300, overlap: 0 }),
];
// Each paragraph fills a chunk of the smaller chunking.
const bodyOf = (...paragraphs: string[]) => paragraphs.map((text) => `${text.padEnd(94, ".")}\n\n`).join("");
const nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

async function chunksOf(database: Database, uri: string) {
  const { rows } = await database.execute<{ id: string; chunking: string; content: string }>(sql`
    select c.id, c.chunking, c.content from reembed.chunks c join reembed.documents d on d.id = c.document_id
    where d.uri = ${uri} order by c.chunking, c.position`);
  return rows;
}

/** The chunks that `chunkText` cuts for both profiles. */
function expected(body: string) {
  return profiles.flatMap(({ chunking }) =>
    chunkText(body, chunking).map(({ content }) => ({ chunking: `${chunking.size}-${chunking.overlap}`, content })),
  );
}

const contents = (chunks: { chunking: string; content: string }[]) =>
  chunks.map(({ chunking, content }) => ({ chunking, content }));

describeOnEachServer(
  "a loaded corpus",
  (open) => {
    test("is cut again after plain SQL has changed it, and unchanged chunks keep their vectors", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, profiles);
      await storeBodies(database, [bodyOf(...nine), bodyOf("other")]);
      await database.execute(sql`
        insert into reembed.chunk_embeddings
          (profile, chunk_id, content_hash, embedding, token_count, truncated_tokens, model_revision)
        select p.name, c.id, sha256(convert_to(c.content, 'UTF8')),
          array_fill(0.1::real, array[p.dimensions])::vector::halfvec, 1, 0, p.revision
        from reembed.chunks c join reembed.profiles p on p.chunking = c.chunking`);
      for (const { name } of profiles) await startBackfill(database, await readProfile(database, name));
      expect(await recutChangedDocuments(database, { limit: 10 })).toBeUndefined();

      const before = await chunksOf(database, "text-0");
      const edited = bodyOf(...nine.with(1, "B"));
      await database.execute(sql`update reembed.documents set body = ${edited} where uri = 'text-0'`);
      await database.execute(sql`update reembed.documents set title = 'New' where uri = 'text-1'`);
      const recut = await recutChangedDocuments(database, { limit: 10 });
      expect(recut).toMatchObject({ documents: 1, chunks: { added: 2, kept: 10, removed: 2 } });
      const after = await chunksOf(database, "text-0");
      expect(contents(after)).toEqual(expected(edited));
      await takeChanges(database);
      const stayed = before.filter(({ id }) => after.some((chunk) => chunk.id === id)).map(({ id }) => id);
      const { rows } = await database.execute<{ id: string }>(sql`
        select chunk_id as id from reembed.chunk_embeddings
        where chunk_id = any(${sql.param(before.map(({ id }) => id))}::bigint[]) order by chunk_id`);
      expect(rows.map(({ id }) => id).sort()).toEqual(stayed.sort());
      const changes = await database.execute(sql`select chunk_id as id from reembed.chunk_changes order by 1`);
      expect(changes.rows.map(({ id }) => id)).toEqual(
        after.filter(({ id }) => !stayed.includes(id)).map(({ id }) => id),
      );

      await database.execute(
        sql`insert into reembed.documents (uri, title, language, body) values ('sql', '', 'en', 'text')`,
      );
      await database.execute(sql`delete from reembed.documents where uri = 'text-1'`);
      expect(await recutChangedDocuments(database, { limit: 10 })).toMatchObject({
        documents: 1,
        chunks: { added: 2 },
      });
      expect(contents(await chunksOf(database, "sql"))).toEqual(expected("text"));
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);

describeOnEachServer(
  "a loaded corpus",
  (open) => {
    test("is cut into a chunking that was registered later, and not cut again after that", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [profiles[0] ?? testProfile("mini-rubert")]);
      const bodies = nine.map((letter) => bodyOf(letter, "and more"));
      await storeBodies(database, [...bodies, ""]);
      await registerProfiles(database, profiles);
      expect(await countUncutDocuments(database)).toBe(9);
      const first = await recutUncutDocuments(database, { after: 0, limit: 4 });
      expect(first).toMatchObject({ documents: 4, chunks: { added: 4, kept: 8, removed: 0 } });
      expect(await countUncutDocuments(database)).toBe(5);
      expect(await recutUncutDocuments(database, { after: 0, limit: 9 })).toMatchObject({ documents: 5 });
      expect(await recutUncutDocuments(database, { after: 0, limit: 9 })).toBeUndefined();
      for (const [index, body] of bodies.entries()) {
        expect(contents(await chunksOf(database, `text-${index}`))).toEqual(expected(body));
      }
    });
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);

describeOnEachServer(
  "documents that are changed while they are cut",
  (open) => {
    test("lose no change, make no writer wait for another, and are cut by one producer at a time", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, profiles);
      await storeBodies(database, [bodyOf("a"), bodyOf("b")]);
      const edit = (body: string, uri = "text-0") =>
        sql`update reembed.documents set body = ${body} where uri = ${uri}`;
      await database.execute(edit(bodyOf("first")));
      const producers = [
        openDatabase({ ...servers, maxConnections: 1 }),
        openDatabase({ ...servers, maxConnections: 1 }),
      ];
      const recut = () => Promise.all(producers.map((producer) => recutChangedDocuments(producer, { limit: 10 })));
      let unsettled: ReturnType<typeof recut> | undefined;
      await database.transaction(async (edits) => {
        // The writer has read its text when the producers start, and commits after they have cut the earlier state.
        await edits.execute(sql`select reembed.note_document('text-0')`);
        await edits.execute(edit(bodyOf("late"), "text-1"));
        unsettled = recut();
        expect((await unsettled).filter((done) => done !== undefined)).toMatchObject([{ documents: 1 }]);
        expect(contents(await chunksOf(database, "text-0"))).toEqual(expected(bodyOf("first")));
        await edits.execute(edit(bodyOf("second")));
      });
      const left = await recut();
      expect(left.filter((done) => done !== undefined)).toMatchObject([{ documents: 2 }]);
      expect(contents(await chunksOf(database, "text-0"))).toEqual(expected(bodyOf("second")));
      expect(contents(await chunksOf(database, "text-1"))).toEqual(expected(bodyOf("late")));
      await Promise.all(producers.map((producer) => producer.$client.end()));
    });
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);
