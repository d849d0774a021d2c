import { z } from "zod";

/** The fields of every step. */
export const DecisionForm = z.looseObject({
  by: z.string().optional(),
  // For the API's description, which does not see `trim`.
  reason: z
    .string()
    .trim()
    .min(1, "must say why")
    .max(1_000)
    .meta({ description: "Why, for the audit.", pattern: "\\S" }),
  seen: z
    .string()
    .max(1_000)
    .describe(
      "What the step showed when it was decided: it is refused if that has changed. Without it, a script decides whatever it finds.",
    )
    .optional(),
});
