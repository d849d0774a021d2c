import { type Embedder, httpDevice } from "@reembed/embedder";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { describeOnOneServer, HashingEmbedder, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { requireSameServedModel } from "./served-model.ts";

const m3 = testProfile("mini-m3");

/** A server of a model that reads a text as `read` gives it. */
function served(read: (text: string) => string): Embedder {
  const behind = new HashingEmbedder({ model: m3.model });
  return {
    model: m3.model,
    device: httpDevice,
    embed: (texts, reading) => behind.embed(texts.map(read), reading),
    [Symbol.asyncDispose]: () => behind[Symbol.asyncDispose](),
  };
}
const right = served((text) => text);
const other = served((text) => `query: ${text}`);

describeOnOneServer(
  "the model of an embedding server",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, ["pay days", "leave", "sick leave"]);
      profile = await readProfile(database, m3.name);
      return () => database.$client.end();
    });

    test("is any as long as a profile has no vectors, and later the one that made them", async () => {
      await expect(requireSameServedModel(database, profile, other)).resolves.toBeUndefined();
      const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(profile.relation)}`);
      const ids = rows.map(({ id }) => Number(id));
      const pending = await readPendingChunks(database, profile, ids);
      for await (const outcomes of right.embed(
        pending.map(({ content }) => content),
        { as: "passage" },
      )) {
        for (const outcome of outcomes) {
          const { id: chunkId = 0, contentHash = Buffer.alloc(0) } = pending[outcome.index] ?? {};
          if ("vector" in outcome) await upsertEmbeddings(database, profile, [{ ...outcome, chunkId, contentHash }]);
        }
      }
      await expect(requireSameServedModel(database, profile, right)).resolves.toBeUndefined();
      await expect(requireSameServedModel(database, profile, other)).rejects.toMatchObject({
        code: "embedding_model_changed",
        exitCode: 2,
        message: expect.stringContaining("of 3 texts that it embedded again, none has a cosine of 0.99"),
      });

      // Texts that were edited since prove nothing, and neither does one vector of another origin.
      await database.execute(
        sql`update ${sql.raw(profile.relation)} set content = content || '!' where id <> ${ids[0]}`,
      );
      await expect(requireSameServedModel(database, profile, other)).rejects.toThrow("of 1 texts");
    });
  },
  "PostgreSQL",
);
