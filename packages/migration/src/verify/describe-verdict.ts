import { formatCount } from "@reembed/core";
import type { Reason, VerificationReport } from "./verify-profile.ts";

/** Descriptions, singular and plural. */
const names: Record<Reason, [one: string, many: string]> = {
  old_text: ["vector is of an older text", "vectors are of an older text"],
  other_revision: ["vector is of another revision of the model", "vectors are of another revision of the model"],
  wrong_dimensions: ["vector has the wrong dimensions", "vectors have the wrong dimensions"],
  wrong_norm: ["vector is not of length 1", "vectors are not of length 1"],
  wrong_vector: [
    "vector differs from what the model makes of its text",
    "vectors differ from what the model makes of their texts",
  ],
  orphan: ["vector has no chunk", "vectors have no chunk"],
  unreachable: ["vector is not found through the index", "vectors are not found through the index"],
  missing: ["chunk has no vector, and nothing will embed it", "chunks have no vector, and nothing will embed them"],
  pending: ["chunk is not embedded yet", "chunks are not embedded yet"],
  quarantined: ["chunk is in quarantine, more than allowed", "chunks are in quarantine, more than allowed"],
};

/** The verdict in one sentence: `mini-m3 is not proven: 1 vector has no chunk; 12 chunks are not embedded yet.` */
export function describeVerdict({
  profile,
  passed,
  chunks,
  failures,
  changing,
  ...report
}: VerificationReport): string {
  const except = [
    ...(report.quarantined > 0 ? [`${formatCount(report.quarantined)} in quarantine`] : []),
    ...(changing.chunks > 0 ? [`${formatCount(changing.chunks)} with a pending change`] : []),
  ];
  const but = except.length === 0 ? "" : `, except for ${except.join(" and ")}`;
  if (passed) return `${profile} is proven: every chunk has the vector of its present text${but}.`;
  if (chunks === 0) return `${profile} is not proven: it has no chunks.`;
  if (Object.values(failures).every((count) => count === 0)) {
    if (report.adoption !== null)
      return `${profile} is not proven: its vectors are right now, but they would not stay so. ${report.adoption}`;
    return `${profile} is not proven: no chunk has the vector of its present text${but}.`;
  }
  const counts = Object.entries(failures) as [Reason, number][];
  const told = counts
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${formatCount(count)} ${names[reason][count === 1 ? 0 : 1]}`);
  return `${profile} is not proven: ${told.join("; ")}.`;
}
