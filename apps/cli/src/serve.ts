import { type Logger, untilSignal } from "@reembed/runtime";

/** Says that a command which runs until it is stopped is ready, and waits for the signal. */
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
}
