import { waitFor } from "@reembed/testing";
import { expect, test } from "vitest";
import { rememberFor } from "./remember-for.ts";

test("work runs once at a time, and again when its result is too old", async () => {
  let done = 0;
  const gate = Promise.withResolvers<void>();
  const ask = rememberFor(20, async () => {
    await gate.promise;
    return ++done;
  });
  const first = [ask(), ask()];
  gate.resolve();
  expect(await Promise.all([...first, ask()])).toEqual([1, 1, 1]);
  await waitFor("it to be old", async () => (await ask()) === 2);
});

test("a failure is remembered like any other result", async () => {
  let tried = 0;
  const ask = rememberFor(60_000, async () => Promise.reject(new Error(`try ${++tried}`)));
  for (let again = 0; again < 3; again++) await expect(ask()).rejects.toThrow("try 1");
});
