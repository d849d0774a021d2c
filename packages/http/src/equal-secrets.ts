import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in constant time. The hashes are compared because `timingSafeEqual` needs equal lengths. */
export function equalSecrets(given: string, expected: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
