import { embedOne } from "@reembed/embedder";
import { checkSource, createDocuments, readAdoption, takeOver } from "@reembed/store/adoption";
import { takeChanges } from "@reembed/store/changes";
import { upsertEmbeddings } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { embeddingsPartition } from "@reembed/store/schema";
import { describeOnOneServer, HashingEmbedder, openTestDatabase, testProfile } from "@reembed/testing";
import { librariesMissing, runLibrary, searchByLangchainJs, someChunks } from "@reembed/testing/frameworks";
import { sql } from "drizzle-orm";
import { describe, expect, onTestFinished, test } from "vitest";
import { resolvePreset } from "../adopt/resolve-preset.ts";
import { exposeProfile } from "./expose-profile.ts";

const baseline = testProfile("mini-rubert");
const candidate = testProfile("mini-m3");
const framework = "langchain-js";
const skipped = librariesMissing === undefined ? "" : `: skipped, ${librariesMissing}`;

describe.skipIf(librariesMissing !== undefined)(`with LangChain.js itself${skipped}`, () => {
  describeOnOneServer(
    "an exposure",
    (open) => {
      test("is read by its index and written to, with nothing changed but the search_path and the model", async () => {
        const servers = await open();
        const database = await openTestDatabase(servers, [baseline, candidate]);
        onTestFinished(() => database.$client.end());
        await ensureRollout(database, { baseline: baseline.name, candidate: candidate.name });
        const [first, ...rest] = someChunks();
        if (first === undefined) throw new Error("There is no chunk");
        const { connectionString } = servers;
        await runLibrary({ connectionString, framework, action: "write", model: baseline.model }, rest);
        const proposed = await resolvePreset(database, { table: "knowledge", preset: framework, given: {} });
        const source = await checkSource(database, { ...proposed, content: proposed.content ?? "" });
        await takeOver(database, baseline, { ...source, chunks: "keep" }, { vectors: false });
        await registerProfiles(database, [baseline, candidate]);
        await takeChanges(database);
        const adoption = await readAdoption(database);
        if (adoption === undefined) throw new Error("Nothing was adopted");
        await createDocuments(database, adoption);

        const profile = await readProfile(database, candidate.name);
        await using embedder = new HashingEmbedder({ model: candidate.model });
        const { rows } = await database.execute<{ id: string; content: string; hash: Buffer }>(sql`
          select c.id, c.content, sha256(convert_to(c.content, 'UTF8')) as hash from ${sql.raw(profile.relation)} c`);
        for (const { id, content, hash } of rows) {
          const outcome = await embedOne(embedder, content, { as: "passage" });
          if (!("vector" in outcome)) throw new Error(`${content} cannot be embedded`);
          const embedded = { chunkId: Number(id), contentHash: hash, vector: outcome.vector };
          await upsertEmbeddings(database, profile, [{ ...embedded, tokenCount: 1, truncatedTokens: 0 }]);
        }
        await database.execute(sql`
          create index by_test on ${sql.raw(embeddingsPartition(candidate.name))}
          using hnsw ((embedding::halfvec(${sql.raw(`${profile.dimensions}`)})) halfvec_cosine_ops)`);
        const options = { profile: candidate.name, roles: [], dryRun: false, onStep: () => {} };
        const exposed = await exposeProfile(database, { ...options, type: "halfvec" });
        expect(exposed).toMatchObject({ index: "by_test", rows: { shown: rest.length, all: rest.length } });

        // So few rows are compared faster than found in an index, unless that is forbidden.
        const url = new URL(connectionString);
        url.searchParams.set("options", `-c search_path=${exposed.schema},public -c enable_seqscan=off`);
        const application = { connectionString: url.href, model: candidate.model };
        for (const { text } of rest) {
          const { found, statement } = await searchByLangchainJs(application, text);
          expect(found).toBe(text);
          const plan = await database.transaction(async (transaction) => {
            await transaction.execute(sql.raw(`set local search_path = ${exposed.schema}, public`));
            await transaction.execute(sql`set local enable_seqscan = off`);
            const [vector, limit] = statement?.values ?? [];
            const text = `${statement?.text}`.replace("$1", `'${vector}'`).replace("$2", `${limit}`);
            return JSON.stringify((await transaction.execute(sql.raw(`explain ${text}`))).rows);
          });
          expect(plan).toMatch(/Index Scan using by_test/);
        }

        await runLibrary({ ...application, framework, action: "write" }, [first]);
        expect((await searchByLangchainJs(application, first.text)).found).toBe(first.text);
        const stored = async () => (await database.execute(sql`select from public.knowledge`)).rows.length;
        expect(await stored()).toBe(rest.length + 1);
        await runLibrary({ ...application, framework, action: "remove" }, [first]);
        expect((await searchByLangchainJs(application, first.text)).found).not.toBe(first.text);
        expect(await stored()).toBe(rest.length);
      });
    },
    "PostgreSQL",
  );
});
