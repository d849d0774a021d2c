import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type GateClock, RequestGate, type RequestLimits } from "./request-gate.ts";

const minuteMs = 60_000;
const never = new AbortController().signal;

/** A gate whose clock moves only by waits, and what it let through. */
function someGate(limits: RequestLimits) {
  const clock: GateClock & { time: number } = {
    time: 0,
    now: () => clock.time,
    async wait(ms) {
      clock.time += ms;
    },
  };
  const gate = new RequestGate(limits, clock);
  const sent: { at: number; tokens: number }[] = [];
  const pass = (tokens: number, answer: Promise<unknown> = Promise.resolve()) =>
    gate.pass(tokens, never, async () => {
      sent.push({ at: clock.time, tokens });
      await answer;
    });
  return { gate, clock, sent, pass };
}

describe("in any minute", () => {
  test("no more tokens and requests are sent than the limits allow, in the order in which they came", async () => {
    const limits = fc.record({
      tokensPerMinute: fc.integer({ min: 1, max: 50 }),
      requestsPerMinute: fc.nat({ max: 9 }),
    });
    const tokens = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(limits, tokens, async ({ tokensPerMinute, requestsPerMinute }, requests) => {
        const allowed = { tokensPerMinute, requestsPerMinute: requestsPerMinute + 1 };
        const { sent, pass } = someGate({ inFlight: 3, ...allowed });
        await Promise.all(requests.map((count) => pass(count)));
        expect(sent.map((request) => request.tokens)).toEqual(requests);
        for (const { at } of sent) {
          const minute = sent.filter((request) => request.at >= at && request.at < at + minuteMs);
          const sum = minute.reduce((total, request) => total + request.tokens, 0);
          expect(minute.length).toBeLessThanOrEqual(allowed.requestsPerMinute);
          // A request that exceeds the limit by itself has its minute alone.
          if (minute.length > 1) expect(sum).toBeLessThanOrEqual(tokensPerMinute);
        }
      }),
    );
  });

  test("nothing waits as long as the limits are not reached", async () => {
    const { clock, sent, pass } = someGate({ inFlight: 1, tokensPerMinute: 30, requestsPerMinute: 3 });
    for (const tokens of [10, 10, 10]) await pass(tokens);
    expect({ sent: sent.length, time: clock.time }).toEqual({ sent: 3, time: 0 });
  });
});

test("a pause that the server asked for holds up every request, and a shorter one does not end it", async () => {
  const { gate, clock, sent, pass } = someGate({ inFlight: 2 });
  gate.pause(5_000);
  gate.pause(1_000);
  expect(gate.pauseMs).toBe(5_000);
  await Promise.all([pass(1), pass(1)]);
  expect(sent.map(({ at }) => at)).toEqual([5_000, 5_000]);
  expect({ time: clock.time, left: gate.pauseMs }).toEqual({ time: 5_000, left: 0 });
});

test("a request waits for an answer while as many as allowed are in flight, also if an answer is an error", async () => {
  const { sent, pass } = someGate({ inFlight: 1 });
  const first = Promise.withResolvers<void>();
  const failing = pass(1, first.promise);
  const second = pass(2);
  await setImmediate();
  expect(sent).toHaveLength(1);
  first.reject(new Error("no answer"));
  await expect(failing).rejects.toThrow("no answer");
  await second;
  expect(sent.map(({ tokens }) => tokens)).toEqual([1, 2]);
});

test("an aborted request is not sent, and those behind it are", async () => {
  const { gate, sent, pass } = someGate({ inFlight: 1 });
  const answer = Promise.withResolvers<void>();
  const first = pass(1, answer.promise);
  const leaving = new AbortController();
  const abandoned = gate.pass(2, leaving.signal, async () => void sent.push({ at: -1, tokens: 2 }));
  const third = pass(3);
  leaving.abort(new Error("closed"));
  await expect(abandoned).rejects.toThrow("closed");
  answer.resolve();
  await Promise.all([first, third]);
  expect(sent.map(({ tokens }) => tokens)).toEqual([1, 3]);
});
