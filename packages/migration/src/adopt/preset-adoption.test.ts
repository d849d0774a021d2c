import { checkSource, copyVectors, createDocuments, readAdoption, takeOver } from "@reembed/store/adoption";
import { takeChanges } from "@reembed/store/changes";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { embedFor, fillTable, frameworkTables, runAll, someChunks } from "@reembed/testing/frameworks";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { resolvePreset } from "./resolve-preset.ts";

const baseline = testProfile("mini-rubert");
const { model } = baseline;

describeOnEachServer(
  "the table",
  (open) => {
    test.for(frameworkTables.map((table) => [table.preset, table] as const))(
      "of %s is adopted, and what the framework writes is followed",
      async ([preset, table]) => {
        await using database = await openTestDatabase(await open(), [baseline]);
        const client = await database.$client.connect();
        const chunks = someChunks();
        const [first, second, ...rest] = chunks;
        if (first === undefined || second === undefined) throw new Error("There are too few chunks");
        await fillTable(client, table, { model, chunks: [second, ...rest] });
        const proposed = await resolvePreset(database, { table: table.table, preset, given: {} });
        const source = await checkSource(database, { ...proposed, content: proposed.content ?? "" });
        await takeOver(database, baseline, source, { vectors: true });
        await takeChanges(database);
        const adoption = await readAdoption(database);
        if (adoption === undefined) throw new Error("Nothing was adopted");
        await createDocuments(database, adoption);
        while ((await copyVectors(database, baseline.name, 2)) !== undefined);
        const profile = await readProfile(database, baseline.name);
        const all = rest.length + 1;
        expect(await readCoverage(database, profile)).toMatchObject({ chunks: all, embedded: all, changes: 0 });
        const { rows } = await database.execute<{ content: string }>(
          sql`select c.content from ${sql.raw(profile.relation)} c`,
        );
        expect(rows.map(({ content }) => content).sort()).toEqual([second, ...rest].map(table.embedded).sort());

        const edited = { ...second, text: "edited" };
        await runAll(client, table.write(first, await embedFor(table, first, model)));
        await runAll(client, table.rewrite(edited, await embedFor(table, edited, model)));
        for (const chunk of rest.slice(0, 1)) await runAll(client, table.remove(chunk));
        client.release();
        await takeChanges(database);
        expect(await readCoverage(database, profile)).toMatchObject({ chunks: all, embedded: all - 2, changes: 2 });
      },
    );
  },
  ["PostgreSQL"],
);
