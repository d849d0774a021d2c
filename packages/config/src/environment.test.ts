import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { loadConfig } from "./config.ts";
import { Environment } from "./environment.ts";

const example = readFileSync(new URL("../../../.env.example", import.meta.url), "utf8");
const uncommented = example.replaceAll(/^#(?=[A-Z0-9_]+=)/gm, "");

test(".env.example names every variable with its default, and no unknown one", () => {
  const defaults = Environment.parse({});
  const expected = Object.keys(Environment.shape).map((name) => [
    name,
    String(defaults[name as keyof typeof defaults] ?? ""),
  ]);
  expect(parseEnv(uncommented)).toEqual(Object.fromEntries(expected));
});

test(".env.example changes nothing as it is, and also if every line is uncommented", () => {
  expect(parseEnv(example)).toEqual({});
  expect(loadConfig(parseEnv(uncommented))).toEqual(loadConfig({}));
});

test(".env.example explains every variable", () => {
  const lines = example.split("\n");
  const unexplained = lines.filter(
    (line, index) => /^#[A-Z0-9_]+=/.test(line) && !/^# \S/.test(lines[index - 1] ?? ""),
  );
  expect(unexplained).toEqual([]);
});
