/** Who may do what, the least first; each may do what those before it may. */
export const roles = ["viewer", "operator", "admin"] as const;

/**
 * A viewer reads. An operator takes the steps of a migration that can be undone. An admin may also do what cannot be undone, or
 * reaches into the queue itself.
 */
export type Role = (typeof roles)[number];

export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}
