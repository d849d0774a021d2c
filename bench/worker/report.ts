import { refuseEmptyFigures } from "../embed/figures.ts";
import type { WorkerFigures } from "./measure.ts";

/**
 * Prints a summary for people and, as the last line, one JSON object.
 * @throws Error if a figure is zero or not a number.
 */
export function report(figures: WorkerFigures, machine: string): void {
  const result = { benchmark: "worker", ...figures, machine };
  refuseEmptyFigures(result, ["modelIdle"]);
  const { ratio, layers, rounds, chunks, tokens, batch, worker, bare, servers } = figures;
  console.log(
    `int8 model of BGE-M3's width with ${layers} layers; ${chunks} chunks, ${tokens} tokens, batches of ${batch}`,
  );
  console.log(`${machine}, ${servers}; medians of ${rounds} rounds\n`);
  printRow("worker", worker);
  printRow("bare inference", bare);
  console.log(`worker / bare    ${ratio.toFixed(3).padStart(8)}`);
  console.log(`\n${JSON.stringify(result)}`);
}

function printRow(title: string, { tokensPerSecond, modelIdle }: WorkerFigures["worker"]): void {
  const idle = `${(100 * modelIdle).toFixed(1)} % of the time nothing was in the model`;
  console.log(`${title.padEnd(17)}${tokensPerSecond.toFixed(0).padStart(8)} tok/s, ${idle}`);
}
