import { formatCount, formatDuration, ReembedError } from "@reembed/core";
import { sweptPerTick } from "@reembed/store/changes";
import { type Database, schemaOf } from "@reembed/store/database";
import { describeVerdict } from "./describe-verdict.ts";
import type { VerificationReport } from "./verify-profile.ts";

/** The sweep rests this long between two rounds. */
const restSeconds = 60;

/** What to do about a profile that is not proven. */
export function remedyFor(
  { chunks, failures, embeddedAgain }: Pick<VerificationReport, "chunks" | "failures" | "embeddedAgain">,
  { schema, tickMs }: { schema: string; tickMs: number },
): string {
  const { pending, quarantined, unreachable, wrong_vector, missing, old_text, orphan, ...shape } = failures;
  if (chunks === 0) return "Load documents first: `reembed load`.";
  if (wrong_vector > 0 && wrong_vector === embeddedAgain?.compared) {
    return "No vector comes from this model: check whether they were embedded on another --device, by another server or with other model files.";
  }
  const wrong = Object.values(shape).reduce((sum, count) => sum + count, wrong_vector);
  const missed = missing + old_text + orphan;
  const remedies = [
    ...(wrong > 0
      ? [`Delete the wrong vectors from ${schema}.chunk_embeddings: a producer then has their chunks embedded again.`]
      : []),
    ...(missed > 0 ? [sweepRemedy(chunks, tickMs)] : []),
  ];
  if (remedies.length > 0) return remedies.join(" ");
  if (unreachable > 0) {
    return "Run `reembed index build`: it finds all lost vectors, and searches then compare them exactly.";
  }
  if (quarantined > 0) {
    return "`reembed quarantine list` shows them: fix or retry them, or allow more with MAX_QUARANTINED_SHARE.";
  }
  return "Verify again when `reembed status` says that nothing is pending.";
}

/** Changes that no trigger recorded: the sweep finds what `verify` has found. */
function sweepRemedy(chunks: number, tickMs: number): string {
  const seconds = (Math.ceil(chunks / sweptPerTick) * tickMs) / 1_000 + restSeconds;
  return (
    `No trigger recorded these changes. A running producer finds them by itself, ${formatCount(sweptPerTick)} texts with each ` +
    `tick: within ${formatDuration(seconds)} here. Verify again then; \`reembed doctor\` says why triggers do not fire.`
  );
}

/** The verdict as an error, with what to do about it. */
export function notProven(report: VerificationReport, database: Database, tickMs: number): ReembedError {
  const remedy = remedyFor(report, { schema: schemaOf(database), tickMs });
  return new ReembedError("not_proven", describeVerdict(report), { exitCode: 3, remedy });
}
