import { z } from "zod";

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
const protocols = ["http/protobuf", "http/json"] as const;

type Protocol = (typeof protocols)[number];

/** What of OpenTelemetry is switched on. */
export interface TelemetrySettings {
  /** How traces are sent; undefined if they are not. */
  traces: { protocol: Protocol; delayMs: number; sampler: (typeof samplers)[number]; ratio: number } | undefined;
  /** How metrics are sent; undefined if they are not. */
  metrics: { protocol: Protocol; intervalMs: number } | undefined;
}

export interface Telemetry {
  /** Undefined if nothing is switched on, or if it cannot be done. */
  wanted: TelemetrySettings | undefined;
  /**
   * Why what is switched on cannot be done, a sentence each. The variables are not ours, and a host may have them for other
   * programs: they keep nothing from starting.
   */
  problems: readonly string[];
}

/**
 * The standard variables by which OpenTelemetry is switched on, and those that its exporters do not read themselves. They
 * read addresses, headers, timeouts, compression and certificates, and its resources the service's name and attributes.
 */
const TelemetryVariables = z.object({
  OTEL_TRACES_EXPORTER: oneOf(["otlp", "none"]).optional(),
  OTEL_METRICS_EXPORTER: oneOf(["otlp", "none"]).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: collector().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector().optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: collector().optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: oneOf(protocols).default("http/protobuf"),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: oneOf(protocols).optional(),
  OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: oneOf(protocols).optional(),
  OTEL_TRACES_SAMPLER: oneOf(samplers).default("parentbased_always_on"),
  OTEL_TRACES_SAMPLER_ARG: number(0, 1, "must be a share from 0 to 1").default(1),
  OTEL_BSP_SCHEDULE_DELAY: milliseconds().default(5_000),
  OTEL_METRIC_EXPORT_INTERVAL: milliseconds().default(60_000),
});

/**
 * Reads them. Undefined if nothing is switched on: they are then not even checked, because a host may have them for other
 * programs.
 */
export function readTelemetry(given: NodeJS.ProcessEnv): z.ZodSafeParseResult<TelemetrySettings | undefined> {
  const asked = ["OTEL_EXPORTER_OTLP_ENDPOINT", ...["TRACES", "METRICS"].map(ownEndpoint)].some(
    (name) => name in given,
  );
  const named = [given.OTEL_TRACES_EXPORTER, given.OTEL_METRICS_EXPORTER].includes("otlp");
  const disabled = given.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true";
  if (disabled || !(asked || named)) return { success: true, data: undefined };
  return TelemetryVariables.transform(toSettings).safeParse(given);
}

function toSettings(env: z.infer<typeof TelemetryVariables>): TelemetrySettings | undefined {
  const isOn = (signal: "TRACES" | "METRICS") =>
    env[`OTEL_${signal}_EXPORTER`] === undefined
      ? (env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? env.OTEL_EXPORTER_OTLP_ENDPOINT) !== undefined
      : env[`OTEL_${signal}_EXPORTER`] === "otlp";
  const protocol = (signal: "TRACES" | "METRICS") =>
    env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ?? env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const [delayMs, intervalMs] = [env.OTEL_BSP_SCHEDULE_DELAY, env.OTEL_METRIC_EXPORT_INTERVAL];
  const sampling = { sampler: env.OTEL_TRACES_SAMPLER, ratio: env.OTEL_TRACES_SAMPLER_ARG };
  const traces = isOn("TRACES") ? { protocol: protocol("TRACES"), delayMs, ...sampling } : undefined;
  const metrics = isOn("METRICS") ? { protocol: protocol("METRICS"), intervalMs } : undefined;
  return traces === undefined && metrics === undefined ? undefined : { traces, metrics };
}

function ownEndpoint(signal: string): string {
  return `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
}

function oneOf<const Name extends string>(names: readonly Name[]) {
  return z.enum(names, `must be one of ${names.join(", ")}`);
}

function collector() {
  return z.url({ protocol: /^https?$/, error: "must be an address like http://collector:4318" });
}

function milliseconds() {
  return number(1, 3_600_000, "must be milliseconds, from 1 to 3600000");
}

function number(least: number, most: number, error: string) {
  return z.coerce.number(error).min(least, error).max(most, error);
}
