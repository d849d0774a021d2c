import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { presets } from "./index.ts";

const page = readFileSync(new URL("../../../../../docs/tables.md", import.meta.url), "utf8");

test.for(presets.map((preset) => [preset.name, preset] as const))(
  "docs/tables.md says how a table is adopted as %s, and how its application is switched",
  ([name, { settings }]) => {
    expect(page).toMatch(new RegExp(`--as ${name}(?![\\w-])`));
    expect(page).toContain(settings.schema.replaceAll("{schema}", "reembed_bge_m3"));
    expect(page).toContain(settings.model);
  },
);

test("a preset has a name of its own, and says where its framework creates the table", () => {
  expect(new Set(presets.map(({ name }) => name)).size).toBe(presets.length);
  expect(presets.filter(({ source }) => !source.startsWith("https://"))).toEqual([]);
});
