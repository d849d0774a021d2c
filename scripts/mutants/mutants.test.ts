import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { joinMutants } from "./mutant.ts";
import { mutants } from "./mutants.ts";

const root = join(import.meta.dirname, "../..");
const all = Object.entries(mutants).flatMap(([file, ofFile]) => ofFile.map((mutant) => ({ file, ...mutant })));

test("there are at least 25 mutants, each with a different name", () => {
  expect(all.length).toBeGreaterThanOrEqual(25);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test("lists of mutants of the same file are joined", () => {
  const [first, second] = ["first", "second"].map((name) => ({ name, text: "<", replacement: ">" }));
  if (first === undefined || second === undefined) throw new TypeError("There are two mutants");
  const joined = joinMutants({ "a.ts": [first], "b.ts": [second] }, { "a.ts": [second] });
  expect(joined).toEqual({ "a.ts": [first, second], "b.ts": [second] });
});

test.each(all)("$file still contains the text of the mutant: $name", ({ file, text, replacement, noticedBy }) => {
  const code = readFileSync(join(root, file), "utf8");
  expect(code.split(text).length - 1).toBe(1);
  expect(replacement).not.toBe(text);
  if (noticedBy !== undefined) expect(existsSync(join(root, noticedBy))).toBe(true);
});
