import { parseArgs } from "node:util";
import { ReembedError } from "@reembed/core";
import { measureEmbedding } from "./embed/measure.ts";
import { report } from "./embed/report.ts";
import { describeMachine } from "./machine.ts";

try {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`--rounds is ${values.rounds}, no number from 1`);
  // 12,240 tokens: a round of the five sides takes about five minutes on two cores.
  const texts = { count: 16, least: 30, most: 1_500 };
  report(await measureEmbedding({ layers: 24, rounds, texts }), describeMachine());
} catch (error) {
  console.error(error instanceof ReembedError ? `${error.message}\n${error.remedy ?? ""}` : error);
  process.exitCode = 1;
}
