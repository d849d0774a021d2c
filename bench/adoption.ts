import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { openDatabase } from "@reembed/store/database";
import { startNativePostgres } from "@reembed/testing";
import { measureAdoption } from "./adoption/measure.ts";
import { report } from "./adoption/report.ts";
import { describeMachine } from "./machine.ts";
import { describeServer } from "./store/server.ts";

/** PostgreSQL's defaults, as in production: a commit waits for the disk. */
const settings = { fsync: "on", full_page_writes: "on", max_wal_size: "8GB" };

try {
  const { values } = parseArgs({
    options: { rows: { type: "string", default: "1000000" }, rounds: { type: "string", default: "3" } },
  });
  const options = { rows: Number(values.rows), rounds: Number(values.rounds) };
  await using postgres = await startNativePostgres({ settings });
  const database = openDatabase({ connectionString: postgres.connectionString });
  const figures = await measureAdoption(database, options, (line) => console.error(line));
  const machine = `${describeMachine()}, ${await describeServer(database)}`;
  await database.$client.end();
  report({ ...figures, ...options, machine });
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
