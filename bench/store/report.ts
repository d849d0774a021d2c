import type { Measurement } from "./measure.ts";

export interface StoreResult {
  batch: number;
  dimensions: number;
  connections: number;
  rounds: number;
  guarded: Measurement;
  text: Measurement;
  machine: string;
}

/**
 * Prints a table for people and, as the last line, one JSON object.
 * @throws Error if a figure is zero or not a number, because that is not a measurement.
 */
export function report({ guarded, text, machine, ...shape }: StoreResult): void {
  const result = {
    benchmark: "store",
    ...shape,
    guarded: rounded(guarded),
    text: rounded(text),
    ratio: round(guarded.rowsPerSecond / text.rowsPerSecond, 2),
    cpuRatio: round(text.cpuMicrosecondsPerRow / guarded.cpuMicrosecondsPerRow, 2),
    machine,
  };
  const figures = [...Object.values(result.guarded), ...Object.values(result.text), result.ratio, result.cpuRatio];
  if (figures.some((figure) => !Number.isFinite(figure) || figure <= 0)) {
    throw new Error(`A figure is zero or not a number, so this is not a valid result: ${figures.join(", ")}`);
  }
  const { batch, dimensions, connections, rounds } = shape;
  console.log(`Batches of ${batch}, ${dimensions} dimensions, ${connections} connections; medians of ${rounds} rounds`);
  console.log(`${machine}\n`);
  printRow("", "rows/s", "client CPU per row");
  printRow("guarded upsert", ...cells(result.guarded));
  printRow("text values", ...cells(result.text));
  printRow("", `${result.ratio.toFixed(1)}x`, `${result.cpuRatio.toFixed(1)}x less`);
  console.log(`\n${JSON.stringify(result)}`);
}

function rounded({ rowsPerSecond, cpuMicrosecondsPerRow }: Measurement): Measurement {
  return { rowsPerSecond: round(rowsPerSecond, 0), cpuMicrosecondsPerRow: round(cpuMicrosecondsPerRow, 2) };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function cells({ rowsPerSecond, cpuMicrosecondsPerRow }: Measurement): [string, string] {
  return [rowsPerSecond.toLocaleString("en"), `${cpuMicrosecondsPerRow.toFixed(1)} µs`];
}

function printRow(name: string, speed: string, cpu: string): void {
  console.log(name.padEnd(15) + speed.padStart(10) + cpu.padStart(20));
}
