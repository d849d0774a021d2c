import { profiles } from "@reembed/core";
import { z } from "zod";

const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const profileName = z.enum([...profiles.keys()]);

/** Every variable that Reembed reads, all optional. `.env.example` gives their meanings; a test holds the two together. */
export const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgresql:// address" }).optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: "must be a redis:// or rediss:// address" }).optional(),
  REEMBED_DIR: z.string().default(".reembed"),

  BASELINE_PROFILE: profileName.default("rubert-tiny2"),
  CANDIDATE_PROFILE: profileName.default("bge-m3"),
  EMBEDDING_MODEL: z.string().optional(),
  EMBEDDING_DIMENSION: count(1, 16_000).optional(),
  MAX_CHUNK_SIZE: count(50, 100_000).optional(),
  CHUNK_OVERLAP: count(0, 50_000).optional(),
  SEARCH_LIMIT: count(1, 200).optional(),
  SIMILARITY_THRESHOLD: z.coerce.number().min(-1).max(1).optional(),

  MODELS_DIR: z.string().default("models"),
  HF_ENDPOINT: z.url({ protocol: /^https?$/ }).default("https://huggingface.co"),
  HF_TOKEN: z.string().optional(),

  BATCH_SIZE: count(1, 1_000).default(64),
  MAX_QUEUED_JOBS: count(1, 100_000).default(500),
  TICK_SECONDS: z.coerce.number().min(0.05).max(3_600).default(5),
  WORKER_CONCURRENCY: count(1, 64).default(2),
  LOCK_SECONDS: z.coerce.number().min(0.1).max(600).optional(),
  TOKEN_BUDGET: count(16, 1_000_000).default(4_096),

  DASHBOARD_PORT: count(0, 65_535).default(3030),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});
