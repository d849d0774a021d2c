import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { openDatabase } from "@reembed/store/database";
import { startNativePostgres, startNativeRedis } from "@reembed/testing";
import { describeMachine } from "./machine.ts";
import { measureScale } from "./scale/measure.ts";
import { report } from "./scale/report.ts";
import { describeServer } from "./store/server.ts";

/** The corpus is filled for minutes, of which nothing is measured; what is measured hardly writes. */
const settings = { max_wal_size: "8GB", shared_buffers: "2GB" };

try {
  const { values } = parseArgs({
    options: { millions: { type: "string", default: "1,3,10" }, rounds: { type: "string", default: "15" } },
  });
  const sizes = values.millions.split(",").map((millions) => Math.round(1e6 * Number(millions)));
  await using postgres = await startNativePostgres({ settings });
  await using redis = await startNativeRedis();
  const database = openDatabase({ connectionString: postgres.connectionString, maxConnections: 8 });
  const queue = { kind: "redis", url: redis.url } as const;
  const options = { sizes, rounds: Number(values.rounds), tell: (line: string) => console.error(line) };
  const figures = await measureScale({ database, queue }, options);
  const machine = `${describeMachine()}, ${await describeServer(database)}`;
  await database.$client.end();
  report({ figures, rounds: options.rounds, machine });
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
