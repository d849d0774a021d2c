import { desc, eq } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { verifications } from "../schema/proofs.ts";

export interface Verification {
  profile: string;
  passed: boolean;
  /** The output of `reembed verify --json`. */
  report: Record<string, unknown>;
  verifiedAt: Date;
}

export async function recordVerification(
  database: Queryable,
  verification: Omit<Verification, "verifiedAt">,
): Promise<void> {
  await database.insert(verifications).values(verification);
}

/** The newest verification of a profile; undefined if there is none. */
export async function lastVerification(
  database: Queryable,
  { name }: { name: string },
): Promise<Verification | undefined> {
  const [last] = await database
    .select()
    .from(verifications)
    .where(eq(verifications.profile, name))
    .orderBy(desc(verifications.id))
    .limit(1);
  return last;
}
