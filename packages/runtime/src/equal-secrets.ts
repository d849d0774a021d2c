import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in constant time; `timingSafeEqual` wants equal lengths, which hashes have. */
export function equalSecrets(given: string, expected: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
