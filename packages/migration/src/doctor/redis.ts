import { formatBytes, ReembedError } from "@reembed/core";
import { type RedisFacts, requireRedis } from "@reembed/queue";
import type { Check } from "./context.ts";
import { type Finding, fromError, ok, problem, warning } from "./finding.ts";

/** The queue stays below this for any corpus. */
const queueBytes = 64e6;

export const checkRedis: Check = ({ redis }) => (redis === undefined ? [] : judgeRedis(redis));

export function judgeRedis(facts: RedisFacts): Finding[] {
  const { version, role, limitBytes, usedBytes, appendOnly, savesWork } = facts;
  const findings: Finding[] = [];
  try {
    requireRedis(facts);
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    findings.push(fromError("Redis", error));
  }
  if (role === "slave") {
    findings.push(problem("Redis", "it is a read-only replica", "Set REDIS_URL to the primary."));
  }
  if (limitBytes > 0 && limitBytes - usedBytes < queueBytes) {
    const says = `${formatBytes(Math.max(0, limitBytes - usedBytes))} of ${formatBytes(limitBytes)} are left; the queue needs up to ${formatBytes(queueBytes)}`;
    findings.push(warning("Redis memory", says, "Raise maxmemory, or use a separate Redis for the queue."));
  }
  if (!savesWork) {
    findings.push(
      warning(
        "Redis persistence",
        "its last write to disk failed, and by default it refuses writes then",
        "Read its log; its disk may be full.",
      ),
    );
  }
  if (findings.some(({ check }) => check === "Redis")) return findings;
  const keeps = appendOnly ? "keeps every write" : "may lose the queue, which is then filled again from PostgreSQL";
  const limit = limitBytes === 0 ? "no memory limit" : `${formatBytes(limitBytes)} at most`;
  return [ok("Redis", `${version}, noeviction, ${limit}, ${keeps}`), ...findings];
}
