import { once } from "node:events";
import { createLogger } from "@reembed/runtime";
import { expect, test } from "vitest";
import { patienceFor } from "./serve.ts";

const away = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

test("what a process does between two servers that are away does not shorten its patience with the second", async () => {
  const patience = patienceFor(1, createLogger("silent"));
  const backAfterOneFailure = () => {
    let attempts = 0;
    return async () => {
      if (++attempts === 1) throw away();
      return "back";
    };
  };
  expect(await patience("PostgreSQL", backAfterOneFailure())).toBe("back");
  const model = AbortSignal.timeout(1_200);
  await once(model, "abort");
  expect(await patience("PostgreSQL", backAfterOneFailure())).toBe("back");
});

test("a server that stays away is given up with its last error", async () => {
  const patience = patienceFor(1, createLogger("silent"));
  let attempts = 0;
  const work = async () => {
    attempts++;
    throw away();
  };
  await expect(patience("Redis", work)).rejects.toThrow("ECONNREFUSED");
  expect(attempts).toBeGreaterThan(1);
});
