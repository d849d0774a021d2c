import { isTransient } from "@reembed/core";
import { expect, test } from "vitest";
import { answerWithin } from "./answer-within.ts";

test("an answer or an error in time is passed on", async () => {
  expect(await answerWithin(60_000, Promise.resolve(7))).toBe(7);
  await expect(answerWithin(60_000, Promise.reject(new Error("refused")))).rejects.toThrow("refused");
});

test("no answer in time is a transient error", async () => {
  const error = await answerWithin(10, new Promise(() => {})).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: "Command timed out after 0.01 s" });
  expect(isTransient(error)).toBe(true);
});
