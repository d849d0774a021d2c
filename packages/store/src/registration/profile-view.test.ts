import { readFileSync } from "node:fs";
import { resolveProfile } from "@reembed/core";
import { describeOnEachServer, openTestDatabase, storeBodies } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { readProfile } from "../profiles/profiles.ts";
import { ensureRollout } from "../rollout/rollout-pair.ts";
import { embeddingsPartition } from "../schema/relations.ts";

const guide = readFileSync(new URL("../../../../docs/applications.md", import.meta.url), "utf8");
const profiles = ["rubert-tiny2", "bge-m3"].map((name) => resolveProfile(name));

/** The guide's statements in order, including those of its Python code with PostgreSQL's placeholders. */
function guideStatements(): string[] {
  const blocks = [...guide.matchAll(/```sql\n([^`]+)```/g)].flatMap(([, block = ""]) => block.split(";\n"));
  const quoted = [...guide.matchAll(/"""([^"]+"[^"]+"[^"]+)"""/g)].map(([, text = ""]) =>
    text.replaceAll("%(vector)s", "$1"),
  );
  return [...blocks, ...quoted].map((statement) => statement.trim()).filter((statement) => statement !== "");
}

describeOnEachServer(
  "an application's own search in SQL",
  (open, kind) => {
    let database: Database & AsyncDisposable;
    const count = kind === "embedded" ? 50 : 2_000;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), profiles);
      await ensureRollout(database, { baseline: "rubert-tiny2", candidate: "bge-m3" });
      await storeBodies(
        database,
        Array.from({ length: count }, (_, index) => `text ${index}`),
      );
      for (const { name, model } of profiles) {
        const { relation } = await readProfile(database, name);
        await database.execute(sql`
          insert into ${sql.raw(embeddingsPartition(name))} (profile, chunk_id, content_hash, embedding, model_revision)
          select ${name}, id, sha256(convert_to(content, 'UTF8')), (
            select l2_normalize(array_agg(sin(id * i))::real[]::halfvec) from generate_series(1, ${model.dimensions}::int) i
          ), 'r' from ${sql.raw(relation)}`);
      }
      return () => database[Symbol.asyncDispose]();
    });
    const vectorOf = async (view: string, content: string): Promise<string> => {
      const { rows } = await database.execute<{ vector: string }>(
        sql`select embedding::text as vector from ${sql.raw(view)} where content = ${content}`,
      );
      return rows[0]?.vector ?? "";
    };

    test("works as in the guide, with the rights that it grants", async () => {
      // Roles belong to the server, so each test has its own.
      const role = `app_${kind.length}_${process.pid}`;
      await database.execute(sql.raw(`create role ${role}`));
      const statements = guideStatements();
      expect(statements.length).toBe(9);
      for (const statement of statements) {
        if (statement.startsWith("grant")) {
          await database.execute(sql.raw(statement.replace("my_app", role)));
          continue;
        }
        const view = /from (reembed\."[^"]+")/.exec(statement)?.[1];
        const values = view === undefined ? [] : [await vectorOf(view, "text 7")];
        const client = await database.$client.connect();
        await client.query(`set role ${role}`);
        const { rows, rowCount } = await client.query(statement, values).finally(() => client.query("reset role"));
        client.release();
        if (view !== undefined) expect(rows[0]).toMatchObject({ uri: "text-7", title: "Text 7", content: "text 7" });
        else if (statement.startsWith("select")) expect(rows).toEqual([{ profile: "rubert-tiny2" }]);
        else expect(rowCount).toBe(1);
      }
      await database.execute(sql.raw(`drop owned by ${role}`));
      await database.execute(sql.raw(`drop role ${role}`));
    });

    test.runIf(kind === "PostgreSQL")("uses the ANN index", async () => {
      const partition = sql.raw(embeddingsPartition("bge-m3"));
      await database.execute(
        sql`create index ann on ${partition} using hnsw ((embedding::halfvec(1024)) halfvec_cosine_ops)`,
      );
      await database.execute(sql`analyze`);
      const search = guideStatements().find(
        (statement) => statement.includes("search_bge-m3") && /\$1/.test(statement),
      );
      const { rows } = await database.$client.query<{ "QUERY PLAN": string }>(`explain ${search}`, [
        await vectorOf('reembed."search_bge-m3"', "text 7"),
      ]);
      expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).toMatch(/Index Scan using ann/);
    });
  },
  ["embedded", "PostgreSQL"],
);
