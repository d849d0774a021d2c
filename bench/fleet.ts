import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { openDatabase } from "@reembed/store/database";
import { startNativePostgres, startNativeRedis } from "@reembed/testing";
import { idTypes } from "./fleet/corpus.ts";
import { measureFleet } from "./fleet/measure.ts";
import { report } from "./fleet/report.ts";
import { describeMachine } from "./machine.ts";
import { describeServer } from "./store/server.ts";

/** PostgreSQL's defaults, as in production: a commit waits for the disk. */
const settings = { fsync: "on", full_page_writes: "on", max_wal_size: "8GB" };

try {
  const { values } = parseArgs({
    options: {
      chunks: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "3" },
      adopted: { type: "string" },
    },
  });
  const adopted = Object.keys(idTypes).find((one): one is keyof typeof idTypes => one === values.adopted);
  if (adopted !== values.adopted)
    throw new ReembedError("usage", `--adopted ${values.adopted} is none of integer, uuid`);
  const [chunks, rounds] = [Number(values.chunks), Number(values.rounds)];
  await using postgres = await startNativePostgres({ settings });
  await using redis = await startNativeRedis();
  const servers = { connectionString: postgres.connectionString, redisUrl: redis.url };
  const database = openDatabase(servers);
  const options = {
    chunks,
    adopted,
    rounds,
    workers: [1, 2, 4],
    windowChunks: Math.min(30_000, Math.floor(chunks / (4 * 3 * rounds))),
  };
  const figures = await measureFleet(database, servers, options, (line) => console.error(line));
  const machine = `${describeMachine()}, ${await describeServer(database)}`;
  await database.$client.end();
  report({ ...figures, rounds, machine });
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
