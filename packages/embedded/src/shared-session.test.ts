import { afterEach, expect, test, vi } from "vitest";
import { SharedSession } from "./shared-session.ts";

afterEach(() => vi.restoreAllMocks());

test("every half minute of use a checkpoint truncates the log, between queries and not within them", async () => {
  // Starting takes more than half a minute on a busy machine.
  let now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now);
  await using session = new SharedSession({});
  await session.waitReady;
  const atStart = await lastCheckpoint(session);
  now += 31_000;
  await send(session, "begin");
  await send(session, "select 1");
  expect(await lastCheckpoint(session)).toBe(atStart);
  await send(session, "commit");
  const afterHalfMinute = await lastCheckpoint(session);
  expect(afterHalfMinute).not.toBe(atStart);
  await send(session, "select 1");
  expect(await lastCheckpoint(session)).toBe(afterHalfMinute);
});

async function lastCheckpoint(session: SharedSession): Promise<string | undefined> {
  const answer = await send(session, "select 'at ' || checkpoint_lsn from pg_control_checkpoint()");
  return /at [0-9A-F]+\/[0-9A-F]+/.exec(answer)?.[0];
}

/** Sends a simple query, as a connection does. */
async function send(session: SharedSession, text: string): Promise<string> {
  const message = Buffer.from(`Q____${text}\0`);
  message.writeInt32BE(message.length - 1, 1);
  let answer = "";
  await session.execProtocolRawStream(message, {
    onRawData: (bytes) => {
      answer += Buffer.from(bytes).toString("latin1");
    },
  });
  return answer;
}
