import { formatTable } from "@reembed/core";
import type { Setting } from "@reembed/migration/settings";

const columns = 4;

/** The bounds with their values, where those come from, and their ranges. */
export function describeSettings(settings: readonly Setting[]): string {
  const rows = settings.map(({ name, value, range, ...origin }) => [
    name,
    value === null ? "by the device" : String(value),
    range,
    describeOrigin(origin),
  ]);
  return formatTable([["bound", "value", "range", "from"], ...rows], columns);
}

/** `set by anna on 2026-11-27 02:31 UTC: a larger server`, or `environment`. */
function describeOrigin({ origin, set }: Pick<Setting, "origin" | "set">): string {
  if (set === null) return origin;
  const at = `${set.changedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return `set by ${set.changedBy} on ${at}${set.reason === "" ? "" : `: ${set.reason}`}`;
}
