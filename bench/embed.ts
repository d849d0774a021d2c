import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { measureEmbedding } from "./embed/measure.ts";
import { measureOperators, reportOperators } from "./embed/operators.ts";
import { report } from "./embed/report.ts";
import { describeMachine } from "./machine.ts";

try {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      operators: { type: "boolean", default: false },
      python: { type: "string" },
      texts: { type: "string", default: "16" },
      threads: { type: "string", default: `${availableParallelism()}` },
    },
  });
  const [rounds, count, threads] = (["rounds", "texts", "threads"] as const).map((name) => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number > 0) return number;
    throw new RangeError(`--${name} is ${values[name]}, but must be a whole number from 1`);
  }) as [number, number, number];
  if (values.operators) reportOperators(await measureOperators(6, values.python), describeMachine());
  else {
    // 12,240 tokens: one round of the six sides takes about five minutes on two cores.
    const texts = { count, least: 30, most: 1_500 };
    const options = { layers: 24, rounds, texts, threads, python: values.python };
    report(await measureEmbedding(options), describeMachine());
  }
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
