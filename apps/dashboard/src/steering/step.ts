import type { Html } from "@reembed/http/html";
import type { RolloutConfig } from "@reembed/migration/rollout";
import type { Adjustable } from "@reembed/migration/settings";
import type { EmbedQueues } from "@reembed/queue";
import type { Database } from "@reembed/store/database";
import type { Decision } from "@reembed/store/operators";

/** Something that a person can do on a page, once it has shown what will be done. */
export interface Step {
  /** What the button says, such as `Pause the backfill of bge-m3`. */
  title: string;
  /** What will be done, a sentence each. */
  effects: readonly string[];
  /** What the guard holds against it now, a sentence each. */
  objections: readonly string[];
  /** What it starts from, in words. If it is otherwise when the form is sent, the form is refused. */
  seen: string;
  /** Further fields of the form. */
  fields: Html | false;
  /**
   * Returns the path of the page that shows what has come of it.
   * @param form The fields of the form.
   */
  run(form: Record<string, unknown>, decision: Decision): Promise<string>;
}

/** What the steps work with. */
export interface Steering {
  /** The environment's part by which a share is decided, with the bounds that are set now. */
  readConfig: () => Promise<RolloutConfig>;
  /** The bounds of this process's environment. */
  given: readonly Adjustable[];
}

export interface SteeringContext extends Steering {
  database: Database;
  queues: EmbedQueues;
}
