import { readFileSync } from "node:fs";
import { type Profile, ReembedError } from "@reembed/core";
import { type Embedder, embedOne, startOnnxEmbedder } from "@reembed/embedder";
import type { Database } from "@reembed/store/database";
import { type EmbeddedChunk, type PendingChunk, upsertEmbeddings } from "@reembed/store/embeddings";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { watchChildren } from "@reembed/testing";
import { readAllChunks } from "./corpus.ts";

/** Chunks per batch, as a worker takes them from the queue. */
const batchSize = 64;

export interface SideOptions {
  profile: Profile;
  modelsFolder: string;
}

/** Baseline or candidate: a profile with its chunks, and the embedder of workers for chunks and queries. */
export class Side implements AsyncDisposable {
  readonly profile: Profile;
  readonly registered: RegisteredProfile;
  readonly chunks: readonly PendingChunk[];
  readonly #embedder: Embedder;
  readonly #inferencePid: number | undefined;

  private constructor(
    profile: Profile,
    { registered, chunks }: { registered: RegisteredProfile; chunks: readonly PendingChunk[] },
    { embedder, inferencePid }: { embedder: Embedder; inferencePid: number | undefined },
  ) {
    this.profile = profile;
    this.registered = registered;
    this.chunks = chunks;
    this.#embedder = embedder;
    this.#inferencePid = inferencePid;
  }

  static async open(database: Database, { profile, modelsFolder }: SideOptions): Promise<Side> {
    const { profile: registered, chunks } = await readAllChunks(database, profile.name);
    using watch = watchChildren();
    const { model } = profile;
    const embedder = await startOnnxEmbedder({ model, modelsFolder, device: "cpu" });
    return new Side(profile, { registered, chunks }, { embedder, inferencePid: watch.children.at(-1)?.pid });
  }

  /** Embeds every chunk without storing anything. */
  async embedChunks(): Promise<EmbeddedChunk[]> {
    const embedded: EmbeddedChunk[] = [];
    for (let start = 0; start < this.chunks.length; start += batchSize) {
      const batch = this.chunks.slice(start, start + batchSize);
      for await (const outcomes of this.#embedder.embed(
        batch.map(({ content }) => content),
        { as: "passage" },
      )) {
        for (const outcome of outcomes) {
          const { id, contentHash } = batch[outcome.index] as PendingChunk;
          if ("rejected" in outcome) throw rejected(`Chunk ${id}`, outcome.detail);
          embedded.push({ ...outcome, chunkId: id, contentHash });
        }
      }
    }
    return embedded;
  }

  async store(database: Database, embedded: readonly EmbeddedChunk[]): Promise<void> {
    for (let start = 0; start < embedded.length; start += batchSize) {
      await upsertEmbeddings(database, this.registered, embedded.slice(start, start + batchSize));
    }
  }

  async embedQuery(text: string): Promise<Float32Array> {
    const outcome = await embedOne(this.#embedder, text, { as: "query" });
    if ("rejected" in outcome) throw rejected(`The query ${text}`, outcome.detail);
    return outcome.vector;
  }

  /** Peak memory of the inference process so far; only available on Linux. */
  peakMemoryMiB(): number | undefined {
    if (process.platform !== "linux" || this.#inferencePid === undefined) return undefined;
    const status = readFileSync(`/proc/${this.#inferencePid}/status`, "utf8");
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1_024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#embedder[Symbol.asyncDispose]();
  }
}

function rejected(what: string, detail: string): ReembedError {
  return new ReembedError("text_rejected", `${what} cannot be embedded: ${detail}`);
}
