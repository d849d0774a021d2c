import { expect, test } from "vitest";
import { createLogger } from "./logger.ts";
import { outlast } from "./outlast.ts";

const lost = () => Object.assign(new Error("terminated"), { code: "57P01" });
const options = {
  log: createLogger("silent"),
  server: "PostgreSQL at db:5432",
  stopping: new AbortController().signal,
};

test("work is repeated until its server is back", async () => {
  let attempts = 0;
  const work = async () => {
    if (++attempts < 3) throw lost();
    return "done";
  };
  expect(await outlast(work, options)).toBe("done");
  expect(attempts).toBe(3);
});

test("an error that is not transient is thrown at once", async () => {
  let attempts = 0;
  const work = async () => {
    attempts++;
    throw new Error("no such table");
  };
  await expect(outlast(work, options)).rejects.toThrow("no such table");
  expect(attempts).toBe(1);
});

test("a process that is asked to stop no longer waits", async () => {
  const stop = new AbortController();
  const work = async () => {
    stop.abort();
    throw lost();
  };
  await expect(outlast(work, { ...options, stopping: stop.signal })).rejects.toThrow("terminated");
});
