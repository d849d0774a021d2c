import { z } from "zod";
import { Problem } from "./problem.ts";

/** A request's form or query. @throws Problem 400 that says what is wrong with which field. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as z.infer<Schema>;
  throw new Problem(400, z.prettifyError(error).replaceAll(/\s*\n\s*/g, " "));
}
