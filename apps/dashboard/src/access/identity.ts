import type { Role } from "@reembed/core";
import { environmentName, guardrailName } from "@reembed/store/rollout";
import { z } from "zod";

/** Who sends a request, as far as that is known. */
export interface Identity {
  role: Role;
  /** A token's name, the user whom a proxy has told, or what somebody called himself at log-in. */
  name: string | undefined;
  /** Whether a token or a proxy proves that name, so that no form may tell another. */
  proven: boolean;
  /** How the role is known. Without passwords, it is by the address alone. */
  by: "password" | "token" | "proxy" | "address";
}

/** `operator by token`: recorded with each change. */
export function describeRole({ role, by }: Identity): string {
  return `${role} by ${by}`;
}

/** A name as people write it. Reembed's own names would make a change look like a guardrail's. */
export const personName = z
  .string()
  .trim()
  .min(1, "must say who you are")
  .max(100)
  .refine((name) => name !== guardrailName && name !== environmentName, "must be the name of a person");
