import type { FilteredFigures } from "./measure.ts";

/**
 * Prints a summary for people and, as the last line, one JSON object.
 * @throws Error if a search had too few results although matching rows exist.
 */
export function report(figures: FilteredFigures & { machine: string }): void {
  const { chunks, dimensions, searches, machine } = figures;
  console.log(
    `${chunks} vectors of ${dimensions} dimensions, a tenth of them of another language in a region of its own`,
  );
  console.log(`${machine}\n`);
  console.log("index    filter                   query   found  recall@15       ms");
  for (const { index, filter, region, found, matching, recall, tookMs } of searches) {
    const cells = [index.padEnd(7), filter.padEnd(23), region.padEnd(5), `${found}/${matching}`.padStart(6)];
    console.log([...cells, recall.toFixed(3).padStart(9), tookMs.toFixed(1).padStart(7)].join("  "));
  }
  console.log(`\n${JSON.stringify({ benchmark: "filtered", ...figures })}`);
  const short = searches.filter(({ found, matching }) => found < matching);
  if (short.length > 0)
    throw new Error(`${short.length} filtered searches had too few results: ${JSON.stringify(short)}`);
}
