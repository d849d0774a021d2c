import { formatCount, formatDuration, formatShare, formatTable } from "@reembed/core";
import { describeVerdict, type VerificationReport } from "@reembed/migration/verify";

export function describeVerification(report: VerificationReport): string {
  const { chunks, current, changing, quarantined, quarantine, coverage, examples } = report;
  const counts = formatTable([
    ["chunks", formatCount(chunks), ""],
    ["with their vector", formatCount(current), formatShare(coverage)],
    ...(changing.chunks === 0
      ? []
      : [
          [
            "pending changes",
            formatCount(changing.chunks),
            `the oldest for ${formatDuration(changing.oldestSeconds ?? 0)}`,
          ],
        ]),
    [
      "quarantined",
      formatCount(quarantined),
      quarantine.map((of) => `${of.reason} ${formatCount(of.chunks)}`).join(", "),
    ],
  ]);
  const list = examples.map(({ chunkId, reason, detail }) => [`chunk ${chunkId}`, reason, detail ?? ""]);
  return [
    ...(report.passed ? [describeVerdict(report)] : []),
    counts,
    describeComparison(report),
    ...describeIndex(report),
    ...describeMiscount(report),
    ...(list.length === 0 ? [] : [formatTable(list, 3)]),
  ].join("\n");
}

/** What of the vectors its index finds; nothing without an index. */
export function describeIndex({ index, failures }: VerificationReport): string[] {
  if (index === null) return [];
  const { searched, sampled, served } = index;
  const exactly = served === 0 ? "" : `; ${formatCount(served)} that are known to be lost are compared exactly`;
  const lost = failures.unreachable === 0 ? "all found" : `${formatCount(failures.unreachable)} not found`;
  return [
    `${formatCount(searched)} vectors${sampled ? ", a sample," : ""} were searched for through the index: ${lost}${exactly}.`,
  ];
}

/** What was wrong with the counts that `status` shows. */
function describeMiscount({ miscount }: VerificationReport): string[] {
  if (miscount === null) return [];
  const wrong = (["chunks", "vectors"] as const).filter((kind) => miscount[kind] !== 0);
  const told = wrong.map((kind) => {
    const by = miscount[kind];
    return `${formatCount(Math.abs(by))} too ${by > 0 ? "many" : "few"} ${kind}`;
  });
  return [`The stored counts had ${told.join(" and ")}, and are counted anew.`];
}

/** What embedding a sample again has shown, and with which confidence. */
export function describeComparison({ embeddedAgain, device }: VerificationReport): string {
  if (embeddedAgain === undefined) return "There was no vector to embed again.";
  const { compared, sampled, adopted, leastCosine, wrong, wrongShareAtMost } = embeddedAgain;
  const made = adopted === 0 ? "" : ` (${formatCount(adopted)} of them adopted)`;
  const most = percentRoundedUp(wrongShareAtMost ?? 1);
  const told = sampled
    ? `${formatCount(wrong)} wrong; with 95 % confidence fewer than ${most} % of all vectors are`
    : `${formatCount(wrong)} wrong, of all vectors`;
  return `${formatCount(compared)} texts embedded again on ${device}${made}: least cosine ${leastCosine?.toFixed(5) ?? "none"}; ${told}.`;
}

/** Two digits, rounded up, because a bound that is rounded down would be wrong. */
function percentRoundedUp(share: number): number {
  const unit = 10 ** (Math.floor(Math.log10(100 * share)) - 1);
  return Number((Math.ceil((100 * share) / unit) * unit).toPrecision(2));
}
