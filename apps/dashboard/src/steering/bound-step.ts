import { html } from "@reembed/http/html";
import { findAdjustable, listSettings, setSetting } from "@reembed/migration/settings";
import { z } from "zod";
import { parse } from "../page/parse.ts";
import type { SteeringContext, Step } from "./step.ts";

/** The field with which a bound is set. */
export const BoundForm = z.object({
  value: z.string().trim().max(100).describe("The new value; empty for each process's own environment."),
});

/** Setting one bound, as `reembed set` does. */
export async function boundStep({ database, given }: SteeringContext, asked: string): Promise<Step> {
  const bound = findAdjustable(asked, await listSettings(database, given));
  const { name, value, range, origin } = bound;
  const present = value === null ? "by the device" : String(value);
  return {
    title: `Set ${name}`,
    effects: [
      `It is ${present} now, ${origin === "set" ? `set by ${bound.set?.changedBy}` : `from the ${origin}`}. It must be ${range}.`,
      "Every process follows within seconds.",
    ],
    objections: [],
    seen: `${name} ${present}`,
    fields: html`<label for="value">Value; empty for each process's own environment</label>
<input id="value" name="value" inputmode="decimal" value="${origin === "set" && value}">`,
    run: async (form, decision) => {
      const { value: text } = parse(BoundForm, form);
      await setSetting(database, bound, text === "" ? null : text, decision);
      return "/";
    },
  };
}
