import { html } from "@reembed/http/html";
import {
  describeBackfillSettings,
  pauseBackfill,
  resumeBackfill,
  startOrAdjustBackfill,
} from "@reembed/migration/backfill";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { z } from "zod";
import { findProfile } from "../page/find-profile.ts";
import { parse } from "../page/parse.ts";
import { Problem } from "../page/problem.ts";
import type { SteeringContext, Step } from "./step.ts";

const number = (least: number, most: number) => {
  const error = `must be a number from ${least} to ${most}, or empty`;
  return z.union([z.literal("").transform(() => null), z.coerce.number(error).min(least, error).max(most, error)]);
};
/** The fields with which a backfill starts. */
export const StartForm = z.object({
  order: z.enum(["id", "newest", "most-searched"], "must be an order of the list"),
  until: number(0.01, 100).describe("The percentage of the chunks at which it stops; empty for all."),
  rate: number(0.001, 1_000_000).describe("The most chunks per second; empty for no limit."),
});

/** Starting, pausing or resuming a profile's backfill, as `reembed backfill` does. */
export async function backfillStep(
  { database, queues }: SteeringContext,
  { profile: name, action }: { profile: string; action: string },
): Promise<Step> {
  const profile = await findProfile(database, name);
  const on = { database, queue: queues.of(profile.name) };
  const step = { objections: objectionsTo(profile), seen: describeBackfillSettings(profile), fields: false } as const;
  if (action === "pause") {
    return {
      ...step,
      title: `Pause the backfill of ${name}`,
      effects: [
        "Batches that wait in the queue are withdrawn. Running ones are finished, and changes are still embedded.",
      ],
      run: async (_, decision) => {
        await pauseBackfill(on, profile, decision);
        return "/";
      },
    };
  }
  if (action === "resume") {
    return {
      ...step,
      title: `Resume the backfill of ${name}`,
      effects: ["The producer's next tick goes on where it was paused."],
      run: async (_, decision) => {
        await resumeBackfill(on, profile, decision);
        return "/";
      },
    };
  }
  if (action !== "start") throw new Problem(404, `A backfill can be started, paused or resumed, but not ${action}.`);
  return {
    ...step,
    title: profile.state === "backfilling" ? `Change the backfill of ${name}` : `Start the backfill of ${name}`,
    effects: [
      "Every chunk without a vector is embedded in the order below. Batches that wait in the queue are enqueued anew.",
    ],
    fields: startFields(profile),
    run: async (form, decision) => {
      const { order, until, rate } = parse(StartForm, form);
      // All of them is no limit, as with `backfill start --until 100%`.
      const share = until === null || until === 100 ? null : until / 100;
      await startOrAdjustBackfill(on, profile, { order, until: share, rate }, decision);
      return "/";
    },
  };
}

function objectionsTo({ name, state }: RegisteredProfile): string[] {
  return state === "registered" || state === "backfilling" ? [] : [`There is no backfill of ${name}: it is ${state}.`];
}

const orders = { id: "oldest first", newest: "newest first", "most-searched": "most searched first" };

function startFields({ backfillOrder, backfillUntil, backfillRate }: RegisteredProfile) {
  const options = Object.entries(orders).map(
    ([value, text]) => html`<option value="${value}"${value === backfillOrder && html` selected`}>${text}</option>`,
  );
  const until = backfillUntil === null ? "" : Number((100 * backfillUntil).toFixed(2));
  return html`<label for="order">Order</label><select id="order" name="order">${options}</select>
<label for="until">Stop at this percentage of the chunks; empty for all</label>
<input id="until" name="until" inputmode="decimal" value="${until}">
<label for="rate">Maximum chunks per second; empty for no limit</label>
<input id="rate" name="rate" inputmode="decimal" value="${backfillRate ?? ""}">`;
}
