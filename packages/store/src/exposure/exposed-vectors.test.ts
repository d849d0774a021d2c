import { adoptedProfile, describeOnEachServer, followingProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { type ExposedApplication, openExposedApplication, vectorOf } from "../../test/exposed-application.ts";
import { exposedVectors, type VectorType } from "./exposed-vectors.ts";
import { createExposure } from "./exposure.ts";
import { buildExposedIndex, servingIndex } from "./served-by.ts";

const { dimensions } = followingProfile.model;
const path = "reembed_mini_m3_500_40,public";
const ownIndex = `chunk_embeddings_${followingProfile.name}_exposed`;

function application(column: string, index: string): ExposedApplication {
  return {
    tables: `create table chunks (id bigserial primary key, content text, embedding ${column}, source text, place int);
      ${index}`,
    rows: "insert into chunks (content) select 'text ' || n from generate_series(1, 300) n",
    source: {
      ...{ table: "chunks", id: ["id"], content: "content", embedding: "embedding" },
      ...{ document: "source", position: "place" },
    },
  };
}

describeOnEachServer(
  "the vectors of an exposed table",
  (open) => {
    const cases: { name: string; type: VectorType; column: string; index: string; length: number; order: string }[] = [
      { name: "of type vector", type: "vector", column: "vector(312)", index: "", length: dimensions, order: "<=>" },
      {
        name: "ordered by inner product, if the table's own index is",
        type: "halfvec",
        column: "vector(312)",
        index: "create index on chunks using hnsw (embedding vector_ip_ops)",
        length: dimensions,
        order: "<#>",
      },
      {
        name: "padded with zeros, if the table's own are",
        type: "vector",
        column: "vector(1536)",
        index: "create index on chunks using hnsw (embedding vector_cosine_ops)",
        length: 1_536,
        order: "<=>",
      },
    ];
    test.for(cases)(
      "have an index that serves the application's statement: $name",
      async ({ type, column, index, length, order }) => {
        const { database, plan, role, connect } = await openExposedApplication(
          await open(),
          application(column, index),
        );
        const exposed = await plan(type);
        expect(exposed.vectors).toMatchObject({ length, operator: order, isOwnIndex: false });
        await createExposure(database, exposed, [role]);
        expect(await servingIndex(database, exposed)).toBe(null);
        await buildExposedIndex(database, exposed);
        expect(await servingIndex(database, exposed)).toBe(ownIndex);
        await buildExposedIndex(database, exposed);

        const switched = await connect(path);
        const padded = `(${vectorOf("7", dimensions)} || array_fill(0::real, array[${length - dimensions}])::vector)`;
        const query = length === dimensions ? vectorOf("7", dimensions) : padded;
        const found = await switched.query(
          `select id, format_type(a.atttypid, a.atttypmod) as type from chunks, pg_attribute a
         where a.attrelid = 'chunks'::regclass and a.attname = 'embedding' order by embedding ${order} ${query} limit 1`,
        );
        expect(found.rows).toEqual([{ id: "7", type: type === "vector" ? `vector(${length})` : "halfvec" }]);
        // What comes with a row is kept without its zeros.
        const { rows } = await switched.query(
          `insert into chunks (content, embedding) values ('new', ${query}) returning id`,
        );
        const stored = await database.$client.query(
          `select vector_dims(embedding) as dimensions, l2_norm(embedding) as norm from ${`reembed."chunk_embeddings_${followingProfile.name}"`} where chunk_id = $1`,
          [rows[0].id],
        );
        expect(stored.rows).toEqual([{ dimensions, norm: expect.closeTo(1, 2) }]);
      },
    );

    test("are refused if no index can hold them, or if they are longer than those that the application pads to", () => {
      const table = { length: null, metric: "cosine", vectorSchema: "public" } as const;
      const long = { name: "large", dimensions: 3_072 };
      const baselineDimensions = adoptedProfile.model.dimensions;
      expect(exposedVectors(long, table, { type: "halfvec", baselineDimensions }).isOwnIndex).toBe(true);
      expect(() => exposedVectors(long, table, { type: "vector", baselineDimensions })).toThrow(
        "An index over the type vector has at most 2000 dimensions, and these vectors 3072.",
      );
      expect(() => exposedVectors(long, { ...table, length: 1_536 }, { type: "halfvec", baselineDimensions })).toThrow(
        "large has 3072 dimensions, but the application pads its vectors to 1536.",
      );
    });
  },
  ["PostgreSQL"],
);
