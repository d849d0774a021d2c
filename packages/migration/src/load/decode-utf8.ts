import { isUtf8 } from "node:buffer";
import { RefusedDocument } from "./refused-document.ts";

const byteOrderMark = Buffer.from("\ufeff");
const replacement = "\ufffd";

/** Decodes UTF-8 without a byte order mark. Invalid bytes are rejected, not replaced. */
export function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new RefusedDocument(`invalid UTF-8 at byte ${invalidIndex(bytes) + 1}`);
  return withoutByteOrderMark(bytes).toString();
}

export function withoutByteOrderMark(bytes: Buffer): Buffer {
  const marked = bytes.subarray(0, byteOrderMark.length).equals(byteOrderMark);
  return marked ? bytes.subarray(byteOrderMark.length) : bytes;
}

/** The offset of the first replacement character that decoding inserted: the text before it encodes to the same bytes. */
function invalidIndex(bytes: Buffer): number {
  const text = bytes.toString();
  let byte = 0;
  let from = 0;
  for (let at = text.indexOf(replacement); at !== -1; at = text.indexOf(replacement, at + 1)) {
    byte += Buffer.byteLength(text.slice(from, at));
    from = at;
    if (!bytes.subarray(byte, byte + 3).equals(Buffer.from(replacement))) break;
  }
  return byte;
}
