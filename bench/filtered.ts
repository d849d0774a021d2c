import { parseArgs } from "node:util";
import { openTestDatabase, startNativePostgres, testProfile } from "@reembed/testing";
import { measureFiltered } from "./filtered/measure.ts";
import { report } from "./filtered/report.ts";
import { describeMachine } from "./machine.ts";
import { describeServer } from "./store/server.ts";

const { values } = parseArgs({ options: { chunks: { type: "string", default: "150000" } } });
await using postgres = await startNativePostgres({ settings: { max_wal_size: "8GB", shared_buffers: "1GB" } });
const connectionString = await postgres.createDatabase("filtered");
const profile = testProfile("mini-rubert");
await using database = await openTestDatabase({ connectionString, queue: { kind: "postgres", connectionString } }, [
  profile,
]);
const figures = await measureFiltered(database, profile.name, Number(values.chunks), (line) => console.error(line));
report({ ...figures, machine: `${describeMachine()}, ${await describeServer(database)}` });
