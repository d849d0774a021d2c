import { adoptedProfile, applicationColumns, beginAdoption, describeOnEachServer } from "@reembed/testing";
import { expect, test } from "vitest";
import { readProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { searchExactly } from "./exact-search.ts";
import type { SearchFilter } from "./search-results.ts";

/** Finds whatever the filter leaves. */
const anyVector = new Float32Array(adoptedProfile.model.dimensions).fill(1);

describeOnEachServer(
  "a search in an adopted table",
  (open, kind) => {
    async function adopted(changed: Partial<ChunkSource>, beforehand = "select") {
      const { database, query, adopt } = await beginAdoption(await open(), { ownRole: kind !== "embedded" });
      // Not as the application, whose role may not create indexes here.
      await database.$client.query(beforehand);
      await adopt({ ...applicationColumns, ...changed });
      const profile = await readProfile(database, adoptedProfile.name);
      return {
        query,
        search: (filter: SearchFilter = {}) => searchExactly(database, profile, anyVector, { limit: 200, filter }),
      };
    }

    test("gives the application's own ids and metadata, and filters by the metadata and the language of each row", async () => {
      const { query, search } = await adopted({
        metadata: "json_build_object('tenant', tenant, 'views', views)",
        language: "case chunk_index when 0 then 'en' else 'ru' end",
      });
      const rows = await query("select id, document_id from document_chunks order by id");
      const found = await search();
      expect(found.map(({ sourceId }) => Number(sourceId)).sort((a, b) => a - b)).toEqual(rows.map(({ id }) => id));
      expect(found[0]?.metadata).toEqual({ tenant: "acme", views: 0 });

      await query("update document_chunks set views = 7 where id in (2, 5)");
      const seen = await search({ metadata: { views: 7 } });
      expect(seen.map(({ sourceId }) => sourceId).sort()).toEqual(["2", "5"]);
      expect(await search({ metadata: { views: 8 } })).toEqual([]);
      const english = await search({ language: "en" });
      expect(english.map(({ uri }) => uri).sort()).toEqual(["alpha", "beta", "gamma"]);
      expect(await search({ language: "en", metadata: { tenant: "acme" } })).toHaveLength(3);
    });

    test("gives ids of any type, and the parts of a key of several columns", async () => {
      const uuids = await adopted(
        { id: ["key"] },
        "alter table document_chunks add key uuid not null default gen_random_uuid() unique",
      );
      const keys = await uuids.query("select key from document_chunks order by key");
      const found = await uuids.search();
      expect(found.map(({ sourceId }) => sourceId).sort()).toEqual(keys.map(({ key }) => key));
      expect(found[0]?.metadata).toEqual({});

      const composite = await adopted(
        { id: ["document_id", "chunk_index"] },
        "create unique index on document_chunks (document_id, chunk_index)",
      );
      const [first] = await composite.query("select count(*)::int from document_chunks");
      const parts = (await composite.search()).map(({ sourceId }) => sourceId);
      expect(parts).toHaveLength(first?.count);
      expect(parts).toContainEqual(["beta", "1"]);
    });
  },
  ["embedded", "PostgreSQL"],
);
