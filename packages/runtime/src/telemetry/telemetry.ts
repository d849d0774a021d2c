import type { Logger } from "../logger.ts";
import type { TelemetryOptions } from "./sdk.ts";

export type { TelemetryOptions } from "./sdk.ts";

/**
 * Begins to send traces and metrics by OTLP, if the environment has switched that on; otherwise OpenTelemetry's SDK is not
 * even loaded. Start it before queues are opened, and dispose of it last: it then sends what is left, for a second at most.
 * @param service The default of OTEL_SERVICE_NAME.
 */
export async function startTelemetry(
  options: TelemetryOptions | undefined,
  { service, log }: { service: string; log: Logger },
): Promise<AsyncDisposable> {
  if (options === undefined) return { [Symbol.asyncDispose]: async () => {} };
  const { startSdk } = await import("./sdk.ts");
  return await startSdk(options, { service, log });
}
