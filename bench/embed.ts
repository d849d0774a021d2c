import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { measureEmbedding } from "./embed/measure.ts";
import { measureOperators, reportOperators } from "./embed/operators.ts";
import { report } from "./embed/report.ts";
import { describeMachine } from "./machine.ts";

try {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "3" }, operators: { type: "boolean", default: false } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`--rounds is ${values.rounds}, but must be a whole number from 1`);
  if (values.operators) reportOperators(await measureOperators(24), describeMachine());
  else {
    // 12,240 tokens: one round of the six sides takes about five minutes on two cores.
    const texts = { count: 16, least: 30, most: 1_500 };
    report(await measureEmbedding({ layers: 24, rounds, texts }), describeMachine());
  }
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
