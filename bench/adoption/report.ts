import { refuseEmptyFigures } from "../embed/figures.ts";
import type { AdoptionFigures } from "./measure.ts";

/**
 * Prints a summary for people and, as the last line, one JSON object.
 * @throws Error if a figure is zero or not a number.
 */
export function report(figures: AdoptionFigures & { rows: number; rounds: number; machine: string }): void {
  const result = { benchmark: "adoption", ...figures };
  refuseEmptyFigures(result);
  const { rows, rounds, seconds, ratio, machine } = figures;
  console.log(`Adopting ${rows} rows with their vectors; medians of ${rounds} rounds, in seconds`);
  console.log(`${machine}\n`);
  console.log("ids          all  take over     copy   CPU of PostgreSQL");
  for (const [ids, { all, takeOver, copy, cpu }] of Object.entries(seconds)) {
    const columns = [all, takeOver, copy, cpu].map((value) => value.toFixed(1).padStart(9)).join("");
    console.log(`${ids.padEnd(7)}${columns}`);
  }
  console.log(`\nWith uuids it takes ${ratio.time} times as long, and ${ratio.cpu} times the CPU time of PostgreSQL`);
  console.log(`\n${JSON.stringify(result)}`);
}
