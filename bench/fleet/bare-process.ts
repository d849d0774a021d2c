import {
  type EmbeddedChunk,
  openDatabase,
  readBackfillIds,
  readPendingChunks,
  readProfile,
  upsertEmbeddings,
} from "@reembed/store";
import { fleetProfiles } from "./corpus.ts";
import { NullEmbedder } from "./null-embedder.ts";

// The upsert alone: as many at a time as a worker has batches in hand, over chunks that were read before.
const [connectionString = "", after = "0", chunks = "0"] = process.argv.slice(2);
const batchSize = 64;
const concurrency = 2;

const database = openDatabase({ connectionString });
const { bare } = fleetProfiles();
const profile = await readProfile(database, bare.name);
const embedder = new NullEmbedder(bare.model);
const range = { ...profile, backfillCursor: Number(after), backfillTarget: Number.MAX_SAFE_INTEGER };
const ids = await readBackfillIds(database, range, Number(chunks));
const batches: Pick<EmbeddedChunk, "chunkId" | "contentHash">[][] = [];
for (let start = 0; start < ids.length; start += batchSize) {
  const pending = await readPendingChunks(database, profile, ids.slice(start, start + batchSize));
  batches.push(pending.map(({ id, contentHash }) => ({ chunkId: id, contentHash })));
}

process.send?.({ ready: true });
await new Promise((resolve) => process.once("message", resolve));
const startedAt = performance.now();
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      const embedded = batch.map((chunk) => ({
        ...chunk,
        vector: embedder.vector(),
        tokenCount: 15,
        truncatedTokens: 0,
      }));
      await upsertEmbeddings(database, profile, embedded);
    }
  }),
);
process.send?.({ seconds: (performance.now() - startedAt) / 1_000 });
await database.$client.end();
process.disconnect?.();
