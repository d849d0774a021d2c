import { expect, test } from "vitest";
import { isTransient } from "./outage.ts";

const coded = (code: string) => Object.assign(new Error("…"), { code });

test.for([
  ["a refused connection", coded("ECONNREFUSED")],
  ["a connection refused on each address of a host", new AggregateError([coded("ECONNREFUSED")], "")],
  ["a session that an administrator terminated", coded("57P01")],
  ["a server that is starting", coded("57P03")],
  ["a standby that is not the primary yet", coded("25006")],
  ["a deadlock", coded("40P01")],
  ["a query whose connection was lost", new Error("Failed query: …", { cause: new Error("Connection terminated") })],
  ["a GPU that has failed", coded("device_failed")],
  ["a budget that is spent", coded("budget_spent")],
  ["a Redis without memory", new Error("ERR Error running script: -OOM command not allowed when used memory")],
  ["a Redis that is loading its data", new Error("LOADING Redis is loading the dataset in memory")],
] as const)("%s passes", ([, error]) => {
  expect(isTransient(error)).toBe(true);
});

test.for([
  ["a table that does not exist", coded("42P01")],
  ["a database that was dropped", coded("57P04")],
  ["a statement that was cancelled", coded("57014")],
  [
    "a pooler that refuses our settings",
    Object.assign(new Error("unsupported startup parameter: options"), { code: "08P01" }),
  ],
  ["a message that only mentions an outage", new Error("The chunk tells of Connection terminated")],
  ["a value that is not an error", "ECONNREFUSED"],
] as const)("%s does not", ([, error]) => {
  expect(isTransient(error)).toBe(false);
});
