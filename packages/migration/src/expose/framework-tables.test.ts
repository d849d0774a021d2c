import { bareName, checkSource, createDocuments, readAdoption, takeOver } from "@reembed/store/adoption";
import { takeChanges } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { embeddingsPartition } from "@reembed/store/schema";
import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { fillTable, frameworkTables, runAll, someChunks } from "@reembed/testing/frameworks";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { resolvePreset } from "../adopt/resolve-preset.ts";
import { exposeProfile } from "./expose-profile.ts";

const baseline = testProfile("mini-rubert");
const candidate = testProfile("mini-m3");
const { dimensions } = candidate.model;
/** The length to which Open WebUI pads. */
const padded = 1_536;

/** A vector of the new model, of length 1. */
function vectorOf(seed: number): number[] {
  const values = Array.from({ length: dimensions }, (_, index) => Math.sin(seed * (index + 1)));
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

/** Gives every chunk of the candidate the vector of its id, as workers would give it that of its text. */
async function embedAll(database: Database): Promise<Map<string, number>> {
  const { relation, revision } = await readProfile(database, candidate.name);
  const { rows } = await database.execute<{ id: string; content: string }>(
    sql`select c.id, c.content from ${sql.raw(relation)} c`,
  );
  for (const { id, content } of rows) {
    await database.execute(sql`
      insert into ${sql.raw(embeddingsPartition(candidate.name))} (profile, chunk_id, content_hash, embedding, model_revision)
      values (${candidate.name}, ${id}, sha256(convert_to(${content}, 'UTF8')), ${`[${vectorOf(Number(id))}]`}, ${revision})`);
  }
  return new Map(rows.map(({ id, content }) => [content, Number(id)]));
}

describeOnEachServer(
  "the table",
  (open) => {
    test.for(frameworkTables.map((table) => [table.preset, table] as const))(
      "of %s is found by its name with the new vectors, and takes what its framework writes, except upserts",
      async ([preset, table]) => {
        await using database = await openTestDatabase(await open(), [baseline, candidate]);
        await ensureRollout(database, { baseline: baseline.name, candidate: candidate.name });
        const client = await database.$client.connect();
        const [first, ...rest] = someChunks();
        if (first === undefined) throw new Error("There is no chunk");
        await fillTable(client, table, { model: baseline.model, chunks: rest });
        const proposed = await resolvePreset(database, { table: table.table, preset, given: {} });
        const source = await checkSource(database, { ...proposed, content: proposed.content ?? "" });
        await takeOver(database, baseline, { ...source, chunks: "keep" }, { vectors: false });
        await registerProfiles(database, [baseline, candidate]);
        await takeChanges(database);
        const adoption = await readAdoption(database);
        if (adoption === undefined) throw new Error("Nothing was adopted");
        await createDocuments(database, adoption);
        const ids = await embedAll(database);
        const exposure = { profile: candidate.name, roles: [], dryRun: false, onStep: () => {} };
        const report = await exposeProfile(database, { ...exposure, type: "halfvec" });
        expect(report.rows).toEqual({ shown: rest.length, all: rest.length });

        await client.query(`set search_path = ${report.schema}, public`);
        const name = bareName(source.table);
        // The expression of a framework that pads is about this column.
        const [column] = /"(?:[^"]|"")+"/.exec(source.embedding) ?? [];
        const zeros = Array<number>(report.dimensions - dimensions).fill(0);
        const nearest = async (seed: number, cast = "") => {
          const { rows } = await client.query(
            `select (${source.content})::text as content from ${name} order by ${column} <=> $1${cast} limit 1`,
            [`[${[...vectorOf(seed), ...zeros]}]`],
          );
          return rows[0]?.content;
        };
        expect(report.dimensions).toBe(preset === "open-webui" ? padded : dimensions);
        for (const [content, id] of ids) {
          expect(await nearest(id)).toBe(content);
          expect(await nearest(id, "::vector")).toBe(content);
        }

        const write = table.write(first, vectorOf(1_000));
        const into = write.find(({ text }) => text.includes(`into ${name} `) || text.includes(`into ${name}\n`));
        if (into === undefined || /on conflict/.test(into.text)) {
          // It names the schema itself, or PostgreSQL has no upsert into a view: it goes on writing to the table.
          if (into !== undefined) await expect(runAll(client, write)).rejects.toMatchObject({ code: "42P10" });
        } else {
          await runAll(client, write);
          expect(await nearest(1_000)).toBe(table.embedded(first));
          await runAll(client, table.remove(first));
          expect(await nearest(1_000)).not.toBe(table.embedded(first));
        }
        client.release();
      },
    );
  },
  ["PostgreSQL"],
);
