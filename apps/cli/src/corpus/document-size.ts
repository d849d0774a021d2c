import { RefusedDocument } from "./refused-document.ts";

/** A file or line beyond this is never held in memory: a run must not end because of one of them. */
export const maxDocumentBytes = 64 * 1024 * 1024;

export function refuseOversize(): never {
  throw new RefusedDocument("is larger than 64 MiB, the most that a document may have");
}
