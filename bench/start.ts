import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { openDatabase } from "@reembed/store/database";
import { startNativePostgres, startNativeRedis } from "@reembed/testing";
import { median } from "./embed/figures.ts";
import { describeMachine } from "./machine.ts";
import { measureStarts, type StartFigures } from "./start/measure.ts";
import { writePreparedModel } from "./start/prepared-model.ts";

try {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
  const modelsFolder = await writePreparedModel();
  await using postgres = await startNativePostgres();
  await using redis = await startNativeRedis();
  const { connectionString } = postgres;
  const database = openDatabase({ connectionString });
  const environment = { DATABASE_URL: connectionString, REDIS_URL: redis.url, MODELS_DIR: modelsFolder };
  const rounds = await measureStarts(database, environment, Number(values.rounds));
  await database.$client.end();
  for (const round of rounds) console.error(JSON.stringify(round));
  const medianOf = (figure: keyof StartFigures) => median(rounds.map((round) => round[figure]));
  const figures = {
    seconds: medianOf("seconds"),
    workerCpuSeconds: medianOf("workerCpuSeconds"),
    inferenceCpuSeconds: medianOf("inferenceCpuSeconds"),
  };
  console.log(JSON.stringify({ benchmark: "start", ...figures, rounds: rounds.length, machine: describeMachine() }));
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
