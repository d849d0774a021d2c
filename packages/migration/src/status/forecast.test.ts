import { expect, test } from "vitest";
import { estimatedAt, forecast } from "./forecast.ts";

const estimate = {
  at: "2025-11-22T10:00:00.000Z",
  chunks: 1_000,
  tokens: { total: 400_000, low: 380_000, high: 420_000 },
  tokensPerSecond: 100,
  workers: 2,
  seconds: 2_000,
};
const now = new Date("2025-11-22T12:10:00.000Z");

test("an estimate is compared with the actual progress: tokens, rate and end, counted from the start of the work", () => {
  const work = { since: new Date("2025-11-22T12:00:00.000Z"), chunks: 200, tokens: 90_000 };
  expect(forecast({ estimate }, work, { tokensPerSecond: 150, etaSeconds: 3_000 }, now)).toEqual({
    tokensPerChunk: { estimated: 400, actual: 450 },
    tokensPerSecond: { estimated: 200, actual: 150 },
    endsAt: { estimated: "2025-11-22T12:33:20.000Z", actual: "2025-11-22T13:00:00.000Z" },
  });
});

test("before any work there are no actual values, and no end", () => {
  expect(forecast({ estimate }, undefined, { tokensPerSecond: 0, etaSeconds: null }, now)).toMatchObject({
    tokensPerChunk: { actual: null },
    endsAt: { estimated: null, actual: null },
  });
});

test("without an estimate, or with one of another version, there is no forecast", () => {
  for (const other of [null, { at: "yesterday" }]) {
    expect(estimatedAt({ estimate: other })).toBeUndefined();
    expect(forecast({ estimate: other }, undefined, { tokensPerSecond: 1, etaSeconds: 1 }, now)).toBeNull();
  }
});
