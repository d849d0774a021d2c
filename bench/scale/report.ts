import { refuseEmptyFigures, roundTo } from "../embed/figures.ts";
import type { ScaleFigures } from "./measure.ts";

/**
 * Prints a summary for people and, as the last line, one JSON object.
 * @throws Error if a figure is zero or not a number.
 */
export function report({
  figures,
  rounds,
  machine,
}: {
  figures: readonly ScaleFigures[];
  rounds: number;
  machine: string;
}): void {
  const names = Object.keys(figures[0]?.ms ?? {});
  const exponents = Object.fromEntries(names.map((name) => [name, roundTo(exponentOf(figures, name), 2)]));
  const result = { benchmark: "scale", rounds, machine, figures, exponents };
  // An exponent may well be below 0.
  refuseEmptyFigures(figures);
  console.log(`Milliseconds by the size of the corpus; medians of ${rounds} rounds, with the slowest in brackets`);
  console.log(`${machine}\n`);
  const sizes = figures
    .map(({ chunks, databaseMB }) => `${chunks / 1e6} million (${databaseMB} MB)`.padStart(26))
    .join("");
  console.log(`${"".padEnd(32)}${sizes}   exponent`);
  for (const name of names) {
    const times = figures.map(({ ms }) => `${ms[name]?.median} (${ms[name]?.slowest})`.padStart(26)).join("");
    console.log(`${name.padEnd(32)}${times}${`${exponents[name]}`.padStart(11)}`);
  }
  console.log(`\n${JSON.stringify(result)}`);
}

/** The slope of time over size, both as logarithms: 1 for what reads the whole corpus, 0 for what does not grow. */
function exponentOf(figures: readonly ScaleFigures[], name: string): number {
  if (figures.length < 2) return Number.NaN;
  const points = figures.map(({ chunks, ms }) => [Math.log(chunks), Math.log(ms[name]?.median ?? Number.NaN)] as const);
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return above / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}
