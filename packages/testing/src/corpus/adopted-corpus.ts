import { chunkText } from "@reembed/core";
import { checkSource, copyVectors, createDocuments, readAdoption, takeOver } from "@reembed/store/adoption";
import { takeChanges } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { recutChangedDocuments, recutUncutDocuments } from "@reembed/store/rechunking";
import { registerProfiles } from "@reembed/store/registration";
import type { ChunkSource } from "@reembed/store/schema";
import { expect, onTestFinished } from "vitest";
import { HashingEmbedder } from "../embedders/hashing-embedder.ts";
import type { TestServers } from "../servers/each-server.ts";
import { createApplication } from "./application.ts";
import { openTestDatabase, testProfile } from "./corpus.ts";

const small = { size: 200, overlap: 30 };
export const adoptedProfile = testProfile("mini-rubert", small);
export const followingProfile = testProfile("mini-m3", { size: 500, overlap: 40 });
/** The columns of the table that `createApplication` creates. */
export const applicationColumns: ChunkSource = {
  table: "document_chunks",
  id: ["id"],
  content: "content",
  embedding: "embedding",
  document: "document_id",
  position: "chunk_index",
};

export interface AdoptionOptions {
  /** The application has a database role of its own. */
  ownRole: boolean;
  /** It has a table of documents. */
  articles?: boolean;
  /** A role for Reembed that is not a superuser. */
  operator?: string;
}

/** Six paragraphs, of which the third contains the version. */
export function versionedBody(name: string, version = 0): string {
  const paragraph = (part: number) =>
    `${name} part ${part} version ${part === 2 ? version : 0}: ${`word${part} `.repeat(12)}about ${name}.\n\n`;
  return Array.from({ length: 6 }, (_, part) => paragraph(part)).join("");
}

/** An application with three documents, in a database with both profiles. */
export async function beginAdoption(servers: TestServers, { ownRole, articles = false, operator }: AdoptionOptions) {
  const embedder = new HashingEmbedder({ model: adoptedProfile.model });
  const application = await createApplication({ ...servers, embedder, chunking: small, articles, ownRole });
  onTestFinished(() => application[Symbol.asyncDispose]());
  const url = new URL(servers.connectionString);
  url.username = operator ?? url.username;
  const database = await openTestDatabase({ ...servers, connectionString: url.href }, [
    adoptedProfile,
    followingProfile,
  ]);
  onTestFinished(() => database.$client.end());
  const documents = ["alpha", "beta", "gamma"];
  const query = async (text: string, values: unknown[] = []) => (await application.client.query(text, values)).rows;
  for (const document of documents) {
    const url = `https://example.org/${document}`;
    const article = [document, url, document.toUpperCase(), versionedBody(document)];
    if (articles) await query("insert into articles values ($1, $2, $3, 'en', $4)", article);
    await application.write(document, versionedBody(document));
  }
  const candidateChunks = (await readProfile(database, followingProfile.name)).relation;

  return {
    database,
    application,
    documents,
    candidateChunks,
    /** Runs a query as the application. */
    query,
    rows: (text: string) => readRows(database, text),
    ...stepsOf(database),
    ...checksOf(database, candidateChunks),
  };
}

async function readRows(database: Database, text: string) {
  return (await database.$client.query(text)).rows;
}

/** What Reembed does with the application's table. */
function stepsOf(database: Database) {
  return {
    /** @param beforeCopy What the application does after the table was adopted and before any vector is copied. */
    async adopt(source: ChunkSource = applicationColumns, beforeCopy = async () => {}): Promise<void> {
      await takeOver(database, adoptedProfile, await checkSource(database, source), { vectors: true });
      await registerProfiles(database, [adoptedProfile, followingProfile]);
      const adoption = await readAdoption(database);
      if (adoption !== undefined) await createDocuments(database, adoption);
      await beforeCopy();
      while ((await copyVectors(database, adoptedProfile.name, 5)) !== undefined);
    },
    async rechunk(): Promise<void> {
      // Enough turns for every document of a test. They are limited because an application that keeps writing may change
      // documents faster than they are cut.
      for (let turn = 0; turn < 20 && (await recutChangedDocuments(database, { limit: 2 })) !== undefined; turn++);
      for (let after = 0; ; ) {
        const recut = await recutUncutDocuments(database, { after, limit: 2 });
        if (recut === undefined) return;
        after = recut.last;
      }
    },
    async changes(): Promise<{ chunks: number[]; documents: string[] }> {
      await takeChanges(database);
      const chunks = await readRows(
        database,
        `select chunk_id as id from reembed.chunk_changes where profile = '${adoptedProfile.name}' order by chunk_id`,
      );
      const keys = await readRows(database, `select distinct key from reembed.document_changes order by key`);
      return { chunks: chunks.map(({ id }) => Number(id)), documents: keys.map(({ key }) => key) };
    },
    async forgetChanges(): Promise<void> {
      await takeChanges(database);
      await database.$client.query(`delete from reembed.chunk_changes`);
      await database.$client.query(`delete from reembed.document_changes`);
    },
  };
}

function checksOf(database: Database, candidateChunks: string) {
  return {
    /** Expects that the candidate's chunks are those of these bodies and no others. */
    async expectCandidate(bodies: Record<string, string>): Promise<void> {
      const found = await readRows(
        database,
        `
        select d.source_key as key, c.position, c.content from ${candidateChunks} c
        join reembed.documents d on d.id = c.document_id order by d.source_key, c.position`,
      );
      const wanted = Object.keys(bodies)
        .sort()
        .flatMap((key) =>
          chunkText(bodies[key] ?? "", followingProfile.chunking).map(({ position, content }) => ({
            key,
            position,
            content,
          })),
        );
      expect(found).toEqual(wanted);
    },
    /** The number of adopted chunks with a known place in their document, and of those with a wrong one. */
    async places(): Promise<{ known: number; wrong: number }> {
      const [counts] = await readRows(
        database,
        `
        select count(*) filter (where c.end_offset > 0)::int as known, count(*) filter (where
          c.end_offset > 0 and substr(d.body, c.start_offset + 1, c.end_offset - c.start_offset) <> c.content)::int as wrong
        from ${(await readProfile(database, adoptedProfile.name)).relation} c join reembed.documents d on d.id = c.document_id`,
      );
      return counts ?? { known: 0, wrong: 0 };
    },
  };
}
