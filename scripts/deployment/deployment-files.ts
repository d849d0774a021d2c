import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Environment, loadConfig } from "@reembed/config";
import { createMetrics } from "@reembed/runtime";
import { parseAllDocuments } from "yaml";

export const root = join(import.meta.dirname, "../..");

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Parses the documents of a YAML file, with merge keys resolved as Compose does. */
export function readYaml<T>(path: string): T[] {
  return parseAllDocuments(readText(path), { merge: true }).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`);
    return document.toJS() as T;
  });
}

/** Variables for a process of Reembed; one without a value comes from outside or is unset. */
export type Variables = Record<string, string | number | null>;

/**
 * Checks variables as Reembed does.
 * @throws ReembedError if a value is invalid.
 */
export function checkVariables(variables: Variables): { unknown: string[] } {
  const set = Object.entries(variables).filter(([, value]) => value !== null);
  loadConfig(Object.fromEntries(set.map(([name, value]) => [name, `${value}`])));
  // OpenTelemetry's variables are its own.
  const isKnown = (name: string) => name in Environment.shape || name.startsWith("OTEL_");
  return { unknown: Object.keys(variables).filter((name) => !isKnown(name)) };
}

const commands = new Map<string, Promise<string>>();

/** Returns an empty text if `reembed` accepts the arguments, otherwise its error message. */
export function complaintAbout(parameters: readonly string[]): Promise<string> {
  const key = JSON.stringify(parameters);
  const complaint = commands.get(key) ?? tryCommand(parameters);
  commands.set(key, complaint);
  return complaint;
}

/** Arguments are checked before the environment: if the only error is about the environment, the arguments are valid. */
async function tryCommand(parameters: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(root, "apps/cli/bin/reembed.mjs"), ...parameters], {
    env: { LOG_LEVEL: "loud" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return said.includes("LOG_LEVEL must be") ? "" : said || "It wants no settings.";
}

const { registry } = createMetrics();
/** The labels of every series, by its name. */
const series = new Map<string, string[]>();
for (const { name, type } of await registry.getMetricsAsJSON()) {
  // prom-client keeps them for itself.
  const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: string[] };
  if (`${type}` !== "histogram") series.set(name, labelNames);
  else for (const suffix of ["_bucket", "_sum", "_count"]) series.set(name + suffix, [...labelNames, "le"]);
}

/** Metrics in a Prometheus query that no process of Reembed exports. */
export function unknownSeries(query: string): string[] {
  return seriesIn(query).filter((name) => !series.has(name));
}

/** Labels by which a Prometheus query selects or groups, and which none of its metrics has. */
export function unknownLabels(query: string): string[] {
  const grouped = [...query.matchAll(/\b(?:by|on|without) \(([^)]*)\)/g)].flatMap(([, names = ""]) =>
    names.split(/, */),
  );
  const selected = [...query.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, name = ""]) => name);
  // Prometheus itself adds the instance.
  const known = new Set(["instance", ...seriesIn(query).flatMap((name) => series.get(name) ?? [])]);
  return [...grouped, ...selected].filter((name) => !known.has(name));
}

function seriesIn(query: string): string[] {
  return query.match(/\breembed_\w+/g) ?? [];
}

export const promtool = (...args: string[]) => spawnSync("promtool", args, { cwd: root, encoding: "utf8" });
export const isPromtoolMissing = promtool("--version").error !== undefined;
if (isPromtoolMissing && process.env.CI === "true") {
  throw new Error("promtool is missing: run scripts/install-services.sh");
}
