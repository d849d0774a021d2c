import { messageOf, ReembedError } from "@reembed/core";
import { Redis } from "ioredis";

/** Facts that a Redis or Valkey server reports about itself. */
export interface RedisFacts {
  version: string;
  /** Whether it is a node of a cluster. */
  clustered: boolean;
  /** maxmemory-policy: what it does when its memory is full. */
  policy: string;
  usedBytes: number;
  /** maxmemory; 0 means no limit. */
  limitBytes: number;
  /** Whether every write goes to disk. Otherwise there are only snapshots, if any. */
  appendOnly: boolean;
  /** Whether the last attempt to write to disk succeeded. After a failure, Redis refuses writes by default. */
  savesWork: boolean;
  role: string;
  /** The server's clock minus this host's clock. */
  clockAheadMs: number;
}

/** @throws ReembedError `redis_unreachable`. */
export async function readRedisFacts(url: string): Promise<RedisFacts> {
  const patience = { connectTimeout: 5_000, commandTimeout: 5_000 };
  const redis = new Redis(url, { ...patience, lazyConnect: true, retryStrategy: () => null });
  let failure: unknown;
  redis.on("error", (error) => {
    failure = error;
  });
  try {
    await redis.connect();
    const info = await redis.info();
    const askedAt = Date.now();
    const [seconds = 0, microseconds = 0] = (await redis.time()).map(Number);
    const middle = (askedAt + Date.now()) / 2;
    return {
      version: field(info, "redis_version"),
      clustered: field(info, "redis_mode") === "cluster",
      policy: field(info, "maxmemory_policy"),
      usedBytes: Number(field(info, "used_memory")),
      limitBytes: Number(field(info, "maxmemory")),
      appendOnly: field(info, "aof_enabled") === "1",
      savesWork: field(info, "rdb_last_bgsave_status") !== "err" && field(info, "aof_last_write_status") !== "err",
      role: field(info, "role"),
      clockAheadMs: seconds * 1_000 + microseconds / 1_000 - middle,
    };
  } catch (error) {
    const { host, port } = redis.options;
    throw new ReembedError(
      "redis_unreachable",
      `Redis at ${host}:${port} does not answer: ${messageOf(failure ?? error)}`,
      {
        remedy: remedyOf(failure ?? error),
        cause: error,
      },
    );
  } finally {
    redis.disconnect();
  }
}

function remedyOf(failure: unknown): string {
  const code = failure instanceof Error && "code" in failure ? String(failure.code) : "";
  if (/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/.test(code)) {
    return "This host does not trust the server's certificate: set NODE_EXTRA_CA_CERTS to the file of the authority that signed it.";
  }
  if (/^(WRONGPASS|NOAUTH|ERR .*AUTH)/.test(messageOf(failure))) {
    return "Check the user and the password in REDIS_URL.";
  }
  return "Check that the server is running and that REDIS_URL is right.";
}

function field(info: string, name: string): string {
  return info.match(new RegExp(`^${name}:(.*?)\\r?$`, "m"))?.[1] ?? "unknown";
}
