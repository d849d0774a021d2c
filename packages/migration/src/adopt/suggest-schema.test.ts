import { expect, test } from "vitest";
import { suggestSchema } from "./suggest-schema.ts";

test.each([
  ["is named after the table", "archive.notes", [], "reembed_notes"],
  ["has a number if a table of the same name is elsewhere", "archive.notes", ["reembed_notes"], "reembed_notes_2"],
  ["counts up to a number that is free", "notes", ["reembed_notes", "reembed_notes_2"], "reembed_notes_3"],
  [
    "has the first words of a long name",
    'public."Embedding Vector Index of Dataset 7 Node"',
    [],
    "reembed_embedding_vector",
  ],
  ["begins as no column of a hand-over does", "old", [], "reembed_table"],
])("the schema that is suggested %s", (_, table, taken, schema) => {
  expect(suggestSchema(table, taken)).toBe(schema);
});
