import { parentPort, workerData } from "node:worker_threads";
import { messageOf, ReembedError } from "@reembed/core";
import { loadEncoder } from "./load-encoder.ts";
import { countClosing, cutIds, readPart } from "./read-part.ts";
import type { TokenizerReply, TokenizerRequest, TokenizerSettings } from "./tokenizer-messages.ts";

const { path, maxTokens, nativeModule } = workerData as TokenizerSettings;

try {
  const encoder = await loadEncoder(path, nativeModule);
  const closing = await countClosing(encoder);

  const answer = async ({ id, wanted, texts }: TokenizerRequest): Promise<TokenizerReply> => {
    // The native binding reads a lone surrogate as U+FFFD. This makes the JavaScript port and a server read the same.
    const wellFormed = texts.map((text) => text.toWellFormed());
    if (wanted === "parts") {
      const parts: string[] = [];
      for (const text of wellFormed) parts.push(await readPart(text, maxTokens, encoder, closing));
      return { kind: "parts", id, parts };
    }
    const encoded = await encoder.encode(wellFormed);
    const answers = encoded.map((text) =>
      "failure" in text ? text : { ids: cutIds(text, maxTokens, closing), tokenCount: text.ids.length },
    );
    return { kind: "tokens", id, answers };
  };
  parentPort?.on("message", (request: TokenizerRequest) => {
    answer(request).then(reply, (error: unknown) => reply({ kind: "failed", id: request.id, ...describe(error) }));
  });
  reply({ kind: "ready", encoder: encoder.kind });
} catch (error) {
  reply({ kind: "refused", ...describe(error) });
}

function reply(message: TokenizerReply): void {
  parentPort?.postMessage(message);
}

function describe(error: unknown): { code: string; message: string } {
  return { code: error instanceof ReembedError ? error.code : "tokenizer_failed", message: messageOf(error) };
}
