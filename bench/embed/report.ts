import { refuseEmptyFigures } from "./figures.ts";
import type { EmbedFigures } from "./measure.ts";
import type { SideFigures } from "./side-figures.ts";

/**
 * Prints a table for people and, as the last line, one JSON object, whose `ratio` is that of prepared int8.
 * @throws Error if a figure is zero or not a number.
 */
export function report(figures: EmbedFigures, machine: string): void {
  const result = { benchmark: "embed", ratio: figures.sides.int8?.ratio, ...figures, machine };
  refuseEmptyFigures(result, ["padding"]);
  const { texts, tokens, rounds, layers, longText, eventLoopMaxMs, eventLoopOwnMaxMs, peak } = figures;
  console.log(`BGE-M3's shape with ${layers} layers and random weights; ${texts} texts, ${tokens} tokens`);
  console.log(`${machine}; threads ${figures.threads}; medians of ${rounds} rounds\n`);
  printRow("", "tok/s", "ratio", "tok/CPU s", "cores", "padding", "peak RSS", "of peak", "cosine");
  for (const side of Object.values(figures.sides)) printRow(side.title, ...cells(side));
  if (wasShared(Object.values(figures.sides))) {
    console.log("\nOther processes took cores from some sides and not from others, so the ratios are not reliable.");
  }
  console.log(`\nPeak of a product of matrices: ${peak.fp32} GFLOP/s in fp32, ${peak.int8} GOP/s in int8`);
  console.log(
    `A text of ${longText.tokens} tokens, int8: ${longText.tokensPerSecond} tok/s, ${mebibytes(longText.peakRssMiB)}`,
  );
  console.log(
    `While int8 ran, the event loop was delayed by at most ${eventLoopMaxMs} ms, of which ${eventLoopOwnMaxMs} ms were its own work`,
  );
  console.log(`\n${JSON.stringify(result)}`);
}

/** Whether some side got fewer cores: without other load, every side uses all of them. */
function wasShared(sides: readonly SideFigures[]): boolean {
  const cores = sides.flatMap((side) => side.cores ?? []);
  return Math.min(...cores) < 0.9 * Math.max(...cores);
}

function cells(side: SideFigures): string[] {
  const { tokensPerSecond, ratio, tokensPerCpuSecond, cores, padding, peakRssMiB, shareOfPeak, leastCosine } = side;
  return [
    tokensPerSecond.toFixed(0),
    `${ratio.toFixed(2)}x`,
    tokensPerCpuSecond === null ? "unknown" : tokensPerCpuSecond.toFixed(0),
    cores === null ? "unknown" : cores.toFixed(2),
    percent(padding),
    mebibytes(peakRssMiB),
    shareOfPeak === null ? "" : percent(shareOfPeak),
    leastCosine.toFixed(5),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function mebibytes(value: number | null): string {
  return value === null ? "unknown" : `${value.toLocaleString("en")} MiB`;
}

function printRow(title: string, ...columns: string[]): void {
  console.log(title.padEnd(36) + columns.map((column) => column.padStart(12)).join(""));
}
