import { type Logger, untilSignal } from "@reembed/runtime";

/** Longer than any micro-batch; a server that is gone would otherwise be waited for without end. */
const stopWithinMs = 60_000;

/**
 * Says that a command which runs until it is stopped is ready, and waits for the signal. From then on the process has a
 * minute to finish what is in hand; a second signal ends it at once.
 */
export async function serveUntilSignal(
  log: Logger,
  name: string,
  details: Record<string, unknown>,
  json: boolean | undefined,
): Promise<void> {
  // The handler first: a script may stop the command as soon as it reads that it is ready.
  const stopped = untilSignal("SIGTERM", "SIGINT");
  log.info(details, `${name} ready`);
  if (json) process.stdout.write(`${JSON.stringify(details)}\n`);
  log.info({ signal: await stopped }, `${name} stopping`);
  const forced = setTimeout(() => {
    log.error({ afterMs: stopWithinMs }, `${name} did not stop in time and is ended`);
    process.exit(1);
  }, stopWithinMs);
  // The only timer that may not keep the process alive: it is there for the case that something else does.
  forced.unref();
}
