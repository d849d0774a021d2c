import { expect, test } from "vitest";
import { poolTokens } from "./pooling.ts";

test.each([
  ["cls", [1, 2, 7, 8]],
  ["mean", [3, 4, 7, 8]],
  ["last", [5, 6, 7, 8]],
] as const)(
  "by %s, a text of three tokens and one of a single token, which has two of padding",
  (pooling, expected) => {
    const tokens = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 99, 99, 99, 99);
    expect([...poolTokens(tokens, Int32Array.of(3, 1), 3, pooling)]).toEqual(expected);
  },
);
