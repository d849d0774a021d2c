import { RefusedDocument } from "./refused-document.ts";

/** Larger files and lines are never read into memory, so that one of them cannot end the run. */
export const maxDocumentBytes = 64 * 1024 * 1024;

export function refuseOversize(): never {
  throw new RefusedDocument("is larger than 64 MiB, the maximum size of a document");
}
