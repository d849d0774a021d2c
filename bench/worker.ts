import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { describeMachine } from "./machine.ts";
import { measureWorker } from "./worker/measure.ts";
import { report } from "./worker/report.ts";

try {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`--rounds is ${values.rounds}, no number from 1`);
  // A quarter of BGE-M3: a round takes half a minute on two cores, and the model most of the worker's time.
  report(await measureWorker({ layers: 6, rounds, chunks: 192 }), describeMachine());
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
