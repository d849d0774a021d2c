import {
  type Adjustable,
  type AdjustableName,
  adjustableNames,
  parseAdjustable,
  type Settings,
  type SetValues,
  withSetValues,
} from "@reembed/config";
import { ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type Decision, type OperatorChange, readSetValues, recordChange } from "@reembed/store/operators";
import { closest, distance } from "fastest-levenshtein";

/** A bound as `reembed set` lists it. */
export interface Setting extends Omit<Adjustable, "origin"> {
  origin: Adjustable["origin"] | "set";
  /** Who set it, when and why; null if the environment decides. */
  set: Pick<OperatorChange, "changedBy" | "changedAt" | "reason"> | null;
}

/** Names that people look for here, and the command that has them. */
const elsewhere: Record<string, string> = {
  RATE: "reembed backfill start --rate",
  ORDER: "reembed backfill start --order",
  UNTIL: "reembed backfill start --until",
  BUDGET: "reembed backfill start --budget",
};

/** The bounds with their present values: those that were set, and for the others this environment's. */
export async function listSettings(database: Database, given: readonly Adjustable[]): Promise<Setting[]> {
  const changes = await readSetValues(database, adjustableNames);
  return given.map((one) => {
    const change = changes.find(({ subject }) => subject === one.name);
    const value = change && parseAdjustable(one.name, change.toValue ?? "");
    if (change === undefined || value === undefined) return { ...one, set: null };
    const { changedBy, changedAt, reason } = change;
    return { ...one, value, origin: "set", set: { changedBy, changedAt, reason } };
  });
}

/** These settings with what was set in the database until now. A value that this version does not accept is ignored. */
export async function readSettings<Given extends Settings>(database: Database, settings: Given): Promise<Given> {
  const set: SetValues = {};
  for (const { subject, toValue } of await readSetValues(database, adjustableNames)) {
    const name = subject as AdjustableName;
    const value = parseAdjustable(name, toValue ?? "");
    if (value !== undefined) set[name] = value;
  }
  return withSetValues(settings, set);
}

/** A function that reads one part of the settings as they are at each call, for a process that goes on meanwhile. */
export function followSettings<Part, Given extends Settings = Settings>(
  database: Database,
  settings: Given,
  part: (settings: Given) => Part,
): () => Promise<Part> {
  return async () => part(await readSettings(database, settings));
}

/**
 * Sets a bound for all processes, or has each follow its environment again (`null`). Running processes follow within
 * seconds. Returns the value.
 * @throws ReembedError `setting_invalid` (exit code 2) for a value out of range.
 */
export async function setSetting(
  database: Database,
  { name, range }: Pick<Setting, "name" | "range">,
  text: string | null,
  decision: Decision,
): Promise<number | null> {
  const value = text === null ? null : parseAdjustable(name, text);
  if (value === undefined) {
    throw new ReembedError("setting_invalid", `${name} must be ${range}, not ${text}.`, { exitCode: 2 });
  }
  const toValue = value === null ? null : String(value);
  await recordChange(database, { subject: name, toValue }, decision);
  return value;
}

/**
 * The bound of a name, which may be written in lower case and with hyphens.
 * @throws ReembedError `setting_unknown` (exit code 2), with the closest name or the command that has it.
 */
export function findAdjustable<One extends { name: AdjustableName }>(asked: string, all: readonly One[]): One {
  const name = asked.toUpperCase().replaceAll("-", "_");
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const command = elsewhere[name.replace(/^BACKFILL_/, "")];
  const near = closest(name, [...adjustableNames]);
  const remedy =
    command !== undefined
      ? `\`${command}\` sets it.`
      : distance(name, near) <= near.length / 2
        ? `Did you mean ${near}?`
        : "`reembed set` lists the names. The other variables are read when a process starts: see .env.example.";
  throw new ReembedError("setting_unknown", `There is no bound ${asked} that changes while processes run.`, {
    exitCode: 2,
    remedy,
  });
}
