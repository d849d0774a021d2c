import type { Profile } from "@reembed/core";
import { checkSource, takeOver } from "@reembed/store/adoption";
import { storeDocuments } from "@reembed/store/corpus";
import { type Database, openDatabase } from "@reembed/store/database";
import { applicationColumns, openTestDatabase, testProfile } from "@reembed/testing";
import type pg from "pg";

export type CorpusKind = "own" | "adopted";

/** The chunks that a simulation works on: of our own documents, or rows of an application's table. */
export interface Corpus {
  kind: CorpusKind;
  profile: Profile;
  database: Database;
  /** All methods below identify documents by a number of the simulation. Each document has one chunk. */
  insert(document: number, content: string): Promise<void>;
  /** Changes the chunk's text in place. */
  edit(document: number, content: string): Promise<void>;
  /** Our own documents are stored again; in an application's table the row is deleted and inserted with the same id. */
  rewrite(document: number, content: string): Promise<void>;
  remove(document: number): Promise<void>;
  removeAll(): Promise<void>;
}

/** Creates an empty corpus in an empty database. */
export async function createCorpus(kind: CorpusKind, connectionString: string): Promise<void> {
  const queue = { kind: "redis" as const, url: "redis://nobody.invalid" };
  await using database = await openTestDatabase({ connectionString, queue }, [profiles[kind]]);
  if (kind === "adopted") await adopt(database, profiles[kind]);
}

/** Opens a database in which `createCorpus` has created a corpus. */
export function openCorpus(kind: CorpusKind, connectionString: string): Corpus & AsyncDisposable {
  const database = openDatabase({ connectionString, maxConnections: 1 });
  const query = (text: string, values: unknown[] = []) => database.$client.query(text, values);
  const writes = kind === "own" ? ownWrites(database, query) : adoptedWrites(query);
  return { kind, profile: profiles[kind], database, ...writes, [Symbol.asyncDispose]: () => database.$client.end() };
}

const profiles: Record<CorpusKind, Profile> = {
  own: testProfile("mini-rubert"),
  adopted: testProfile("mini-rubert", { size: 200, overlap: 30 }),
};

type Writes = Pick<Corpus, "insert" | "edit" | "rewrite" | "remove" | "removeAll">;
type Query = (text: string, values?: unknown[]) => Promise<pg.QueryResult>;

function ownWrites(database: Database, query: Query): Writes {
  const store = async (document: number, body: string) => {
    const uri = `${document}`;
    await storeDocuments(database, [{ uri, title: "", language: "en", body, metadata: {} }]);
  };
  return {
    insert: store,
    rewrite: store,
    async edit(document, content) {
      await query(
        `update reembed.chunks set content = $2
         where document_id = (select id from reembed.documents where uri = $1) and content <> $2`,
        [`${document}`, content],
      );
    },
    async remove(document) {
      await query("delete from reembed.documents where uri = $1", [`${document}`]);
    },
    async removeAll() {
      await query("delete from reembed.documents");
    },
  };
}

async function adopt(database: Database, profile: Profile): Promise<void> {
  await database.$client.query(`create table public.document_chunks (
    id int primary key, document_id text not null, chunk_index int not null, content text, embedding vector(312))`);
  await takeOver(database, profile, await checkSource(database, applicationColumns), { vectors: false });
}

function adoptedWrites(query: Query): Writes {
  return {
    async insert(document, content) {
      await query("insert into public.document_chunks values ($1, $3, 0, $2)", [document, content, `${document}`]);
    },
    async edit(document, content) {
      await query("update public.document_chunks set content = $2 where id = $1", [document, content]);
    },
    async rewrite(document, content) {
      // Values are literals, so that several statements of one transaction need only one round trip.
      await query(`
        begin;
        delete from public.document_chunks where id = ${document};
        insert into public.document_chunks values (${document}, '${document}', 0, '${content}');
        commit`);
    },
    async remove(document) {
      await query("delete from public.document_chunks where id = $1", [document]);
    },
    async removeAll() {
      await query("truncate public.document_chunks");
    },
  };
}
