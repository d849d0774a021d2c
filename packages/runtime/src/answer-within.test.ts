import { isTransient } from "@reembed/core";
import { expect, test } from "vitest";
import { answerWithin } from "./answer-within.ts";

test("an answer in time is passed on, a refusal too", async () => {
  expect(await answerWithin(60_000, Promise.resolve(7))).toBe(7);
  await expect(answerWithin(60_000, Promise.reject(new Error("refused")))).rejects.toThrow("refused");
});

test("no answer in time is an error that may pass", async () => {
  const error = await answerWithin(10, new Promise(() => {})).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: "Command timed out after 0.01 s" });
  expect(isTransient(error)).toBe(true);
});
