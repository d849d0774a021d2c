import { formatAmount, formatCount } from "@reembed/core";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { BackfillSettings } from "@reembed/store/progress";

/** Describes a backfill's settings in a sentence. */
export function describeBackfill(
  { name, state }: RegisteredProfile,
  { order, until, rate, budget }: BackfillSettings & { budget?: number | null | undefined },
  prioritised: number,
): string {
  const orders = {
    id: "the oldest chunks first",
    newest: "the newest chunks first",
    "most-searched": `first the ${formatCount(prioritised)} chunks that searches of the last week found, then the oldest`,
  };
  const parts = [
    orders[order],
    ...(until === null ? [] : [`up to ${Number((100 * until).toFixed(2))} % of all chunks`]),
    ...(rate === null ? [] : [`at most ${rate} a second`]),
    ...(budget === undefined ? [] : [budget === null ? "at any cost" : `until it has cost ${formatAmount(budget)}`]),
  ];
  const begins = state === "registered" ? "begins" : "continues";
  return `The backfill of ${name} ${begins}: ${parts.join(", ")}.`;
}
