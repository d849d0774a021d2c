import type { Config } from "@reembed/config";
import type { Profile } from "@reembed/core";
import type { RedisFacts } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import type { Database, RegisteredProfile, ServerFacts } from "@reembed/store";
import type { ModelState } from "../model-state.ts";
import type { Finding } from "./finding.ts";

/** What there is to look at; whatever is away is undefined, and a line of its own says why. */
export interface DoctorContext {
  config: Config;
  log: Logger;
  /** The baseline and the candidate, as they are configured. */
  profiles: readonly Profile[];
  models: readonly ModelState[];
  database: Database | undefined;
  server: ServerFacts | undefined;
  redis: RedisFacts | undefined;
  /** Those of `profiles` that are in the database. */
  registered: readonly RegisteredProfile[];
  /** What models are to be tried on and vectors computed again with; undefined tries nothing, and computes on the CPU. */
  device: string | undefined;
  /** Vectors to compute again; undefined leaves it to whether the model is here. */
  sample: number | undefined;
}

/** Looks for one kind of trouble. What it throws becomes a finding by itself. */
export type Check = (context: DoctorContext) => Finding[] | Promise<Finding[]>;
