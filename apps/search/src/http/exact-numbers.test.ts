import { expect, test } from "vitest";
import { keepExactNumbers } from "./exact-numbers.ts";

const read = (json: string) => JSON.parse(json, keepExactNumbers);

test("numbers that a double keeps are read as JSON.parse reads them, in any notation", () => {
  const exact = [
    "0",
    "-0",
    "0.0",
    "0e9",
    "1",
    "-1.50",
    "100",
    "1e2",
    "1E+2",
    "10.0e1",
    "0.1",
    "1e-7",
    "1e300",
    "5e-324",
  ];
  for (const number of exact) expect([number, read(number)]).toEqual([number, JSON.parse(number)]);
  expect(read("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
});

test("numbers that a double changes are NaN", () => {
  const changed = ["1e-400", "-1e-400", "1e999", "9007199254740993", "0.1000000000000000055", "1.00000000000000000001"];
  for (const number of changed) expect([number, read(number)]).toEqual([number, Number.NaN]);
});

test("everything else stays as it is", () => {
  const body = '{"a":["1e-400",true,null,{"__proto__":{"b":2}}]}';
  expect(JSON.stringify(read(body))).toBe(body);
});
