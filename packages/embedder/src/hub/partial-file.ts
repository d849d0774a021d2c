import type { Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { addFile, type HubFile, startHash } from "./hub-file.ts";

/** A download in progress: the bytes that have arrived are in `<path>.partial`, and are hashed as they arrive. */
export class PartialFile implements AsyncDisposable {
  readonly #file: HubFile;
  readonly #path: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  #sizeBytes = 0;

  private constructor(file: HubFile, path: string, handle: FileHandle) {
    this.#file = file;
    this.#path = path;
    this.#handle = handle;
    this.#hash = startHash(file);
  }

  /** Continues the partial file of an earlier run if there is one. */
  static async open(file: HubFile, path: string): Promise<PartialFile> {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(`${path}.partial`, constants.O_RDWR | constants.O_CREAT);
    const partial = new PartialFile(file, path, handle);
    try {
      const { size } = await handle.stat();
      if (size > file.sizeBytes) await partial.startOver();
      else await partial.#adopt(size);
      return partial;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The hash of all bytes so far, by the file's algorithm. */
  get hash(): string {
    return this.#hash.copy().digest("hex");
  }

  async append(chunk: Uint8Array): Promise<void> {
    // Written at its position, not appended: two concurrent pulls then write the same bytes to the same place.
    for (let written = 0; written < chunk.length; ) {
      const rest = chunk.length - written;
      const { bytesWritten } = await this.#handle.write(chunk, written, rest, this.#sizeBytes + written);
      written += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  async startOver(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = startHash(this.#file);
    this.#sizeBytes = 0;
  }

  async putInPlace(): Promise<void> {
    await this.#handle.close();
    await rename(`${this.#path}.partial`, this.#path);
  }

  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(`${this.#path}.partial`, { force: true });
  }

  /** Keeps the partial file for the next run. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #adopt(sizeBytes: number): Promise<void> {
    await addFile(this.#hash, `${this.#path}.partial`, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }
}
