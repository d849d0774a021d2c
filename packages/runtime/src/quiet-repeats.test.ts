import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { quietRepeats } from "./quiet-repeats.ts";

function logger() {
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 0 };
  const output = new Writable({
    write(line, _, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  const options = { base: null, timestamp: false, hooks: { logMethod: quietRepeats(() => clock.now) } };
  return { log: pino(options, output), lines, clock };
}

test("equal warnings about an error are logged once a minute, with the number of repeats", () => {
  const { log, lines, clock } = logger();
  for (let attempt = 0; attempt < 4; attempt++) log.warn({ error: `refused, job ${attempt}` }, "queue error");
  log.child({ job: 7 }).warn({ error: "refused, job 9" }, "queue error");
  clock.now = 60_000;
  log.warn({ error: "refused, job 5" }, "queue error");
  expect(lines).toEqual([
    { level: 40, error: "refused, job 0", msg: "queue error" },
    { level: 40, error: "refused, job 5", repeats: 4, msg: "queue error" },
  ]);
});

test("other errors, lines of level error, and warnings without an error are always logged", () => {
  const { log, lines } = logger();
  log.warn({ error: "refused" }, "queue error");
  log.warn({ error: "out of memory" }, "queue error");
  for (const job of [1, 2]) {
    log.error({ job, error: "refused" }, "batch failed");
    log.warn({ job }, "batch taken over");
  }
  expect(lines).toHaveLength(6);
});
