import { readUndelivered } from "@reembed/store/notices";
import { describeUndelivered } from "../notices/undelivered.ts";
import type { Check } from "./context.ts";
import { warning, withoutStop } from "./finding.ts";

/** What people should have been told, and were not. */
export const checkWebhook: Check = async ({ database, registered }) => {
  // Before `reembed init` there are no tables to read.
  const undelivered = database === undefined || registered.length === 0 ? undefined : await readUndelivered(database);
  if (undelivered === undefined) return [];
  const remedy =
    "Look at the receiver's log: it must answer each POST with 2xx within ten seconds, without a redirect.";
  return describeUndelivered(undelivered).map((says) => warning("webhook", withoutStop(says), remedy));
};
