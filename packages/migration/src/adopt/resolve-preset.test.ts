import { type Database, openDatabase } from "@reembed/store/database";
import { describeOnOneServer, testProfile } from "@reembed/testing";
import { fillTable, frameworkTables } from "@reembed/testing/frameworks";
import { expect, onTestFinished, test } from "vitest";
import { resolvePreset } from "./resolve-preset.ts";

const { model } = testProfile("mini-rubert");

describeOnOneServer(
  "a preset",
  (servers) => {
    /** A database with the tables of these presets. */
    async function withTables(...names: string[]): Promise<Database> {
      const database = openDatabase({ ...(await servers({ empty: true })), maxConnections: 2 });
      onTestFinished(() => database.$client.end());
      const client = await database.$client.connect();
      for (const table of frameworkTables.filter(({ preset }) => names.includes(preset))) {
        await fillTable(client, table, { model });
      }
      client.release();
      return database;
    }

    test("gives what each column of its table is", async () => {
      const database = await withTables("django", "open-webui");
      expect(await resolvePreset(database, { table: "rag_chunk", preset: "django", given: {} })).toEqual({
        ...{ table: "public.rag_chunk", id: ["id"], content: `"text"`, embedding: `"embedding"` },
        ...{ document: `"document_id"`, position: `"chunk_index"` },
        documents: { table: "public.rag_document", key: "id", uri: "source", title: "title" },
      });
      const padded = await resolvePreset(database, { table: "document_chunk", preset: "open-webui", given: {} });
      expect(padded).toMatchObject({ embedding: `"vector"`, title: expect.stringContaining("vmetadata") });
    });

    test("that does not fit says where it differs, unless that part is given", async () => {
      const database = await withTables("django");
      await database.$client.query(
        "alter table rag_chunk rename text to words; alter table rag_chunk alter chunk_index type text",
      );
      const resolve = (given: object) => resolvePreset(database, { table: "rag_chunk", preset: "django", given });
      await expect(resolve({})).rejects.toMatchObject({
        code: "preset_differs",
        exitCode: 2,
        message:
          "public.rag_chunk is not a table of Django with pgvector, a table of chunks: it has no column text, " +
          "and its column chunk_index is text, not a whole number.",
      });
      await expect(resolve({ content: "words" })).rejects.toThrow(/a table of chunks: its column chunk_index is text/);
      expect(await resolve({ content: "words", position: "id" })).toMatchObject({ content: "words", position: "id" });
    });

    test("or a table that there is not is named", async () => {
      const database = await withTables();
      const resolve = (preset: string) => resolvePreset(database, { table: "rag_chunk", preset, given: {} });
      await expect(resolve("flask")).rejects.toMatchObject({
        message: "There is no preset flask.",
        remedy: expect.stringContaining("The presets are open-webui, dify,"),
      });
      await expect(resolve("django")).rejects.toMatchObject({ code: "table_missing", exitCode: 2 });
    });
  },
  "PostgreSQL",
);
