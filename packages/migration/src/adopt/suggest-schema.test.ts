import { expect, test } from "vitest";
import { suggestSchema } from "./suggest-schema.ts";

test.each([
  ["is named after the table", [], "reembed_notes"],
  ["is none that is taken, by a table of the same name elsewhere", ["reembed_notes"], "reembed_second"],
  [
    "counts up to a number that is free",
    ["notes", "second", "third", "5", "6"].map((name) => `reembed_${name}`),
    "reembed_7",
  ],
])("the schema that is suggested %s", (_, taken, schema) => {
  expect(suggestSchema("archive.notes", taken)).toBe(schema);
});
