import { readText } from "./deployment-files.ts";

export type Role = "init" | "producer" | "worker" | "search" | "dashboard" | "pull";

const everybody: readonly Role[] = ["init", "producer", "worker", "search", "dashboard"];
/** The sections of .env.example, and the processes that read their variables. */
const rolesOf: Record<string, readonly Role[]> = {
  "Database and queue": everybody,
  Profiles: everybody,
  Models: everybody,
  Hub: ["pull"],
  Producer: ["producer"],
  // Used by commands that a person runs in any container.
  Proofs: everybody,
  Worker: ["worker"],
  Guardrails: ["search"],
  Search: ["search"],
  Dashboard: ["dashboard"],
  "Search and dashboard": ["search", "dashboard"],
  "Every process": everybody.filter((role) => role !== "init"),
};
/** Settings of the embedded database, and those that the command line and the published ports replace. */
const elsewhere = ["REEMBED_DIR", "SEARCH_HOST", "SEARCH_PORT", "DASHBOARD_HOST", "DASHBOARD_PORT"];

/** Section titles of .env.example (alone between empty lines, or before a colon) with their variables. */
export function readSettingSections(): { title: string; names: string[]; roles: readonly Role[] }[] {
  const found = new Map<string, string[]>();
  let title = "";
  const lines = readText(".env.example").split("\n");
  for (const [index, line] of lines.entries()) {
    const heading = /^# ([A-Z][a-z ]+)(:.*)?$/.exec(line)?.[1];
    if (heading !== undefined && lines[index - 1] === "" && heading in rolesOf) title = heading;
    const name = /^#([A-Z0-9_]+)=/.exec(line)?.[1];
    if (name === undefined || elsewhere.includes(name)) continue;
    const section = name.startsWith("HF_") ? "Hub" : title;
    found.set(section, [...(found.get(section) ?? []), name]);
  }
  return [...found].map(([section, names]) => ({ title: section, names, roles: rolesOf[section] ?? [] }));
}
