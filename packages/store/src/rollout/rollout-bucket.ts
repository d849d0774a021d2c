import { createHash } from "node:crypto";
import { rolloutBuckets } from "@reembed/core";

/** The bucket of a subject, from 0 to 9,999. `reembed.reembed_profile` in SQL computes the same one. */
export function rolloutBucket(subject: string, salt: string): number {
  return createHash("sha256").update(`${salt}:${subject}`).digest().readUInt32BE() % rolloutBuckets;
}
