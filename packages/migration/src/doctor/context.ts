import type { Config } from "@reembed/config";
import type { Profile } from "@reembed/core";
import type { ModelState } from "@reembed/embedder";
import type { QueueServer, RedisFacts } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import type { ServerFacts } from "@reembed/store/diagnosis";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { Finding } from "./finding.ts";

/** What the checks examine. What is unavailable is undefined, and a finding of its own explains why. */
export interface DoctorContext {
  config: Config;
  log: Logger;
  /** The configured baseline and candidate. */
  profiles: readonly Profile[];
  models: readonly ModelState[];
  database: Database | undefined;
  server: ServerFacts | undefined;
  redis: RedisFacts | undefined;
  /** The server of the queue, if the database has its tables. */
  queue: QueueServer | undefined;
  /** Those of `profiles` that are registered in the database. */
  registered: readonly RegisteredProfile[];
  /** The device on which models are tried and vectors are embedded again; if undefined, no model is tried and the CPU is used. */
  device: string | undefined;
  /** Number of vectors to embed again; if undefined, it depends on whether the model's files are here. */
  sample: number | undefined;
  /** Number of chunks that a plan expects the candidate to have. */
  plannedChunks?: number | undefined;
}

/** Checks for one kind of problem. Anything it throws becomes a finding. */
export type Check = (context: DoctorContext) => Finding[] | Promise<Finding[]>;
