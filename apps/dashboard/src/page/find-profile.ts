import { ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { Problem } from "./problem.ts";

/** The profile that a request's path names. */
export async function findProfile(database: Database, name: string): Promise<RegisteredProfile> {
  try {
    return await readProfile(database, name);
  } catch (error) {
    if (error instanceof ReembedError) throw new Problem(404, `There is no profile ${name}.`);
    throw error;
  }
}
