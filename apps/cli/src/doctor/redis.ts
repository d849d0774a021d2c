import { ReembedError } from "@reembed/core";
import { type RedisFacts, requireRedis } from "@reembed/queue";
import { formatBytes } from "../output.ts";
import type { Check } from "./context.ts";
import { type Finding, fromError, mend, ok, warning } from "./finding.ts";

/** The queue of any corpus stays below this. */
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
    findings.push(mend("Redis", "it is a replica and takes no writes", "Name the primary in REDIS_URL."));
  }
  if (limitBytes > 0 && limitBytes - usedBytes < queueBytes) {
    const says = `${formatBytes(Math.max(0, limitBytes - usedBytes))} of ${formatBytes(limitBytes)} are left; the queue takes up to ${formatBytes(queueBytes)}`;
    findings.push(warning("Redis memory", says, "Raise maxmemory, or give the queue a Redis of its own."));
  }
  if (!savesWork) {
    findings.push(
      warning(
        "Redis persistence",
        "its last write to disk failed: it refuses writes then, unless told otherwise",
        "Look into its log; its disk may be full.",
      ),
    );
  }
  if (findings.some(({ check }) => check === "Redis")) return findings;
  const keeps = appendOnly ? "keeps every write" : "may lose the queue, which is then filled again from PostgreSQL";
  const limit = limitBytes === 0 ? "no memory limit" : `${formatBytes(limitBytes)} at most`;
  return [ok("Redis", `${version}, noeviction, ${limit}, ${keeps}`), ...findings];
}
