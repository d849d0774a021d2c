import { type FileHandle, open } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";
import { ReembedError } from "@reembed/core";
import { type FloatFormat, widen } from "./float-format.ts";

// One read in Node returns at most 2 GB; word embeddings in float32 may be larger.
const longestRead = 1 << 30;

/** A file that is read by position: of a 2.3 GB file only the requested rows are in memory. */
export class WeightFile implements AsyncDisposable {
  /** Path relative to the model's folder, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, sizeBytes: number, handle: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  /** @throws ReembedError `weights_missing`; `weights_damaged` if the path, which may come from a file, leaves the folder. */
  static async open(folder: string, path: string): Promise<WeightFile> {
    const inside = normalize(path).replaceAll("\\", "/");
    if (isAbsolute(path) || inside === ".." || inside.startsWith("../")) {
      throw damaged(path, `lies outside of the model's folder ${folder}`);
    }
    // Links may point outside the folder: Hugging Face's cache consists of links.
    const handle = await open(join(folder, inside)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      throw new ReembedError("weights_missing", `${join(folder, inside)} is missing.`, {
        cause,
        remedy: "Download it from where the model's other files came from.",
      });
    });
    try {
      const { size } = await handle.stat();
      return new WeightFile(inside, size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async readBytes(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    await this.#fill(bytes, position);
    return bytes;
  }

  async readFloats(format: FloatFormat, position: number, count: number): Promise<Float32Array> {
    if (format === "F32") {
      const values = new Float32Array(count);
      await this.#fill(new Uint8Array(values.buffer), position);
      return values;
    }
    const bits = new Uint16Array(count);
    await this.#fill(new Uint8Array(bits.buffer), position);
    return widen(format, bits);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #fill(bytes: Uint8Array, position: number): Promise<void> {
    for (let filled = 0; filled < bytes.length; ) {
      const length = Math.min(bytes.length - filled, longestRead);
      const { bytesRead } = await this.#handle.read(bytes, filled, length, position + filled);
      if (bytesRead === 0) throw damaged(this.path, `ends at byte ${position + filled} while it is being read`);
      filled += bytesRead;
    }
  }
}

export function damaged(path: string, what: string, cause?: unknown): ReembedError {
  return new ReembedError("weights_damaged", `${path} ${what}.`, { cause, remedy: "Download the file again." });
}
