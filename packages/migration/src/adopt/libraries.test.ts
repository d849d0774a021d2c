import { embedOne } from "@reembed/embedder";
import { openDatabase } from "@reembed/store/database";
import { describeOnOneServer, HashingEmbedder, testProfile } from "@reembed/testing";
import { frameworkLibraries, librariesMissing, runLibrary, someChunks } from "@reembed/testing/frameworks";
import { describe, expect, onTestFinished, test } from "vitest";
import { discoverTables } from "./discover.ts";

const baseline = testProfile("mini-rubert");
const { model } = baseline;
const skipped = librariesMissing === undefined ? "" : `: skipped, ${librariesMissing}`;

describe.skipIf(librariesMissing !== undefined)(`with the frameworks' own libraries${skipped}`, () => {
  describeOnOneServer(
    "a preset",
    (servers) => {
      test.for(frameworkLibraries)(
        "recognises the table of %s, and finds the texts of its vectors",
        async (framework) => {
          const { connectionString } = await servers({ empty: true });
          const database = openDatabase({ connectionString, maxConnections: 2 });
          onTestFinished(() => database.$client.end());
          await database.$client.query("create extension if not exists vector");
          const chunks = someChunks();
          const given = await runLibrary({ connectionString, framework, action: "write", model }, chunks);
          expect(given).toHaveLength(chunks.length);
          const found = await discoverTables(database, baseline);
          expect(found).toMatchObject([{ preset: framework, rows: chunks.length, obstacles: [] }]);
          const [{ source } = { source: { table: "", content: "", embedding: "", document: "" } }] = found;
          const { rows } = await database.$client.query<{ content: string; document: string; vector: number[] }>(
            `select ${source.content} as content, ${source.document} as document, ${source.embedding}::real[] as vector
           from ${source.table} order by 1`,
          );
          expect(rows.map(({ content }) => content.trim()).sort()).toEqual(given.map((text) => text.trim()).sort());
          expect(new Set(rows.map(({ document }) => document))).toEqual(
            new Set(chunks.map(({ document }) => document)),
          );
          await using embedder = new HashingEmbedder({ model });
          for (const { content, vector } of rows) {
            const outcome = await embedOne(embedder, content, { as: "passage" });
            expect("vector" in outcome && outcome.vector).toEqual(Float32Array.from(vector));
          }
          await runLibrary({ connectionString, framework, action: "remove", model }, chunks.slice(1));
          const left = await database.$client.query(`select ${source.document} as document from ${source.table}`);
          expect(left.rows).toEqual([{ document: chunks[0]?.document }]);
        },
      );
    },
    "PostgreSQL",
  );
});
