import type { BackfillCourse, RegisteredProfile } from "@reembed/store";
import { formatCount } from "../output.ts";

/** What a backfill will do from now on, as a sentence. */
export function describeCourse(
  { name, state }: RegisteredProfile,
  { order, until, rate }: BackfillCourse,
  leaders: number,
): string {
  const orders = {
    id: "the oldest chunks first",
    newest: "the newest chunks first",
    "most-searched": `first the ${formatCount(leaders)} chunks that searches of the last week ask for, then the oldest`,
  };
  const parts = [
    orders[order],
    ...(until === null ? [] : [`up to ${Number((100 * until).toFixed(2))} % of all`]),
    ...(rate === null ? [] : [`${rate} a second at most`]),
  ];
  const begins = state === "registered" ? "begins with the first document" : "goes on";
  return `The backfill of ${name} ${begins}: ${parts.join(", ")}.`;
}
