import { messageOf, ReembedError } from "@reembed/core";
import type { Encoder } from "./encoder.ts";
import { JsEncoder } from "./js-encoder.ts";
import { NativeEncoder, type NativeModule } from "./native-encoder.ts";

/**
 * Loads a tokenizer.json.
 * @param nativeModule Name of the native module. Where it has no binary for the platform, JavaScript is used.
 * @throws ReembedError `tokenizer_invalid` if `path` is not a valid tokenizer.json.
 */
export async function loadEncoder(path: string, nativeModule: string): Promise<Encoder> {
  const native = await import(nativeModule).catch(() => undefined);
  try {
    return native === undefined ? await JsEncoder.load(path) : new NativeEncoder(native as NativeModule, path);
  } catch (cause) {
    throw new ReembedError("tokenizer_invalid", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
