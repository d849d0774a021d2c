import type { Database } from "@reembed/store/database";
import { lockNotices, readFacts, recordConditions } from "@reembed/store/notices";
import { findConditions, type NoticeLimits } from "./conditions.ts";

/**
 * Compares what is with what was noticed, and writes a notice for each condition that has begun, in one transaction: several
 * producers, or one that is killed, neither lose a notice nor write it twice. Returns how many were written.
 */
export async function noticeConditions(database: Database, limits: NoticeLimits): Promise<number> {
  return await database.transaction(async (transaction) => {
    if (!(await lockNotices(transaction))) return 0;
    return await recordConditions(transaction, findConditions(await readFacts(transaction), limits));
  });
}
