import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { openDatabase } from "@reembed/store/database";
import { startNativePostgres, startNativeRedis } from "@reembed/testing";
import { describeMachine } from "./machine.ts";
import { measureSearch } from "./search/measure.ts";
import { report } from "./search/report.ts";
import { describeServer } from "./store/server.ts";

/** PostgreSQL's defaults, as in production, with room for the vectors and their index. */
const settings = { fsync: "on", full_page_writes: "on", max_wal_size: "8GB", shared_buffers: "2GB" };

try {
  const { values } = parseArgs({ options: { chunks: { type: "string", default: "100000" } } });
  await using postgres = await startNativePostgres({ settings });
  await using redis = await startNativeRedis();
  const servers = { connectionString: postgres.connectionString, redisUrl: redis.url };
  const database = openDatabase({ ...servers, maxConnections: 8 });
  const figures = await measureSearch(database, servers, Number(values.chunks), (line) => console.error(line));
  const machine = `${describeMachine()}, ${await describeServer(database)}`;
  await database.$client.end();
  report({ ...figures, machine });
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
