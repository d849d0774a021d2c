import { loadConfig } from "@reembed/config";
import { chunkText } from "@reembed/core";
import { countTokens } from "@reembed/embedder";
import { createDocuments, readAdoption, takeOver } from "@reembed/store/adoption";
import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import {
  describeOnEachServer,
  describeOnOneServer,
  HashingEmbedder,
  openTestDatabase,
  storeBodies,
  testProfile,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readCorpus } from "../load/read-corpus.ts";
import { handbook } from "../load/sample-texts.ts";
import { measureVolume } from "./estimate-backfill.ts";
import { measureRate } from "./measure-rate.ts";
import { sampleCorpus } from "./sample-corpus.ts";

const baseline = testProfile("mini-rubert");
const candidate = testProfile("mini-m3");
const config = loadConfig({});

async function estimateVolume(database: Database, profile: typeof candidate, size: number) {
  const registered = await readProfile(database, profile.name);
  const sample = await sampleCorpus(database, profile, registered, size);
  return { drawn: sample.drawn, ...(await measureVolume(sample, profile, config)) };
}

/** Every n-th document of the handbook, in each of its languages. */
async function handbookDocuments(every: number) {
  const documents = [];
  for await (const entry of readCorpus(handbook)) if (entry.kind === "document") documents.push(entry.document);
  return documents.filter((_, index) => index % every === 0);
}

describeOnOneServer(
  "an estimate",
  (open) => {
    test("from uncut documents equals the chunks that they are cut into", async () => {
      await using database = await openTestDatabase(await open(), [baseline]);
      const documents = await handbookDocuments(10);
      await storeDocuments(database, documents);
      await registerProfiles(database, [candidate]);
      const before = await estimateVolume(database, candidate, 100_000);
      expect(before.drawn).toBe("documents");

      await database.execute(sql`delete from reembed.documents`);
      await storeDocuments(database, documents);
      const after = await estimateVolume(database, candidate, 100_000);
      expect(after).toEqual({ ...before, drawn: "chunks" });
      expect(after.tokens.low).toBe(after.tokens.high);
    });
  },
  "PostgreSQL",
);

describeOnEachServer(
  "an estimate",
  (open) => {
    test("from a sample of documents is near the value for all of them", async () => {
      await using database = await openTestDatabase(await open(), [baseline]);
      const documents = await handbookDocuments(2);
      await storeDocuments(database, documents);
      await registerProfiles(database, [candidate]);
      const { chunks, tokens } = await estimateVolume(database, candidate, 1);
      expect(tokens.low).toBeLessThan(tokens.high);

      const texts = documents.flatMap(({ body }) => chunkText(body, candidate.chunking).map(({ content }) => content));
      const counted = await countTokens(candidate.model, config.models.folder, texts);
      const truth = counted.reduce((sum, { read }) => sum + read, 0);
      // By chance the true value is outside the interval in one run of twenty, but never this far.
      expect(Math.abs(tokens.total - truth)).toBeLessThan(3 * (tokens.high - tokens.low));
      expect(Math.abs(chunks.total - texts.length)).toBeLessThan(3 * (chunks.high - chunks.low));
    });

    test("includes the number of truncated chunks, which is exact if it has read all of them", async () => {
      await using database = await openTestDatabase(await open(), [testProfile("mini-rubert")]);
      const long = Array.from({ length: 700 }, (_, index) => `${index % 10}`).join(" ");
      await storeBodies(database, [
        ...Array.from({ length: 3 }, (_, index) => `${long} ${index}`),
        ..."abcdefghi",
        " ",
      ]);
      const { chunks, truncated, tokens } = await estimateVolume(database, baseline, 100);
      expect(chunks.total).toBe(13);
      expect(truncated).toEqual({ share: 3 / 13, low: 3 / 13, high: 3 / 13 });
      // Truncated tokens are not read, and blank texts are not embedded.
      expect(tokens.total).toBe(3 * 512 + 9 * 3);
    });

    test("of a corpus without any text is refused with exit code 3", async () => {
      await using database = await openTestDatabase(await open(), [baseline]);
      await expect(estimateVolume(database, baseline, 100)).rejects.toMatchObject({
        code: "corpus_empty",
        exitCode: 3,
      });
    });

    test("of an adopted corpus without bodies is made from its assembled chunks", async () => {
      await using database = await openTestDatabase(await open(), [baseline, candidate]);
      const documents = await handbookDocuments(8);
      await database.execute(sql`create table app_chunks
        (id bigint primary key, document text, place int, content text, embedding vector(312))`);
      let id = 0;
      for (const { uri, body } of documents) {
        for (const { position, content } of chunkText(body, baseline.chunking)) {
          await database.execute(sql`insert into app_chunks values (${++id}, ${uri}, ${position}, ${content})`);
        }
      }
      const types = { idTypes: ["bigint"], documentType: "text", numbered: false };
      const columns = {
        ...types,
        id: ["id"],
        content: "content",
        embedding: "embedding",
        document: "document",
        position: "place",
      };
      await takeOver(database, baseline, { table: "public.app_chunks", ...columns }, { vectors: false });
      const adoption = await readAdoption(database);
      if (adoption === undefined) throw new Error("Nothing was adopted");
      await createDocuments(database, adoption);

      const { drawn, chunks } = await estimateVolume(database, candidate, 100_000);
      expect(drawn).toBe("documents");
      const cut = documents.flatMap(({ body }) => chunkText(body, candidate.chunking));
      expect(chunks.total).toBe(cut.length);
      expect((await estimateVolume(database, baseline, 100_000)).chunks.total).toBe(id);
    });
  },
  ["PostgreSQL"],
);

describe("the rate", () => {
  /** A device with a simulated clock, on which each text takes `msPerText` milliseconds. */
  function deviceTaking(msPerText: number) {
    let now = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    const calls: number[] = [];
    const embedder = new HashingEmbedder({
      model: candidate.model,
      microBatchSize: 100,
      beforeMicroBatch: async (texts) => {
        calls.push(texts.length);
        now += msPerText * texts.length;
      },
    });
    return { embedder, calls };
  }
  const texts = Array.from({ length: 20 }, (_, index) => `text number ${index}`);

  test("is measured in calls of at most one batch, over all texts repeatedly, without the warm-up", async () => {
    const { embedder, calls } = deviceTaking(1);
    const measured = await measureRate(embedder, texts, { seconds: 1, batchSize: 16 });
    expect(calls).toEqual([1, 2, 4, 8, 16, ...Array(63).fill(16)]);
    expect(measured).toMatchObject({ texts: 1_008, tokens: 5_040 });
    expect(measured.seconds).toBeCloseTo(1.008);
    expect(measured.tokensPerSecond).toBeCloseTo(5_000);
  });

  test("is measured in calls that do not grow beyond a tenth of the time", async () => {
    const { embedder, calls } = deviceTaking(30);
    await measureRate(embedder, texts, { seconds: 1, batchSize: 16 });
    expect(calls).toEqual([1, 2, 4, ...Array(9).fill(4)]);
  });
});
