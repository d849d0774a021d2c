import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { describeMachine } from "./machine.ts";
import { measureWorker } from "./worker/measure.ts";
import { report } from "./worker/report.ts";

try {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "5" }, layers: { type: "string", default: "6" } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`--rounds is ${values.rounds}, but must be a whole number from 1`);
  const layers = Number(values.layers);
  if (!Number.isInteger(layers) || layers < 1)
    throw new RangeError(`--layers is ${values.layers}, but must be a whole number from 1`);
  // By default a quarter of BGE-M3's layers: a round takes half a minute on two cores, most of it in the model.
  report(await measureWorker({ layers, rounds, chunks: 192 }), describeMachine());
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
