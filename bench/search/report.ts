import { refuseEmptyFigures } from "../embed/figures.ts";
import type { Latency, SearchFigures } from "./measure.ts";

/**
 * Prints a summary for people and, as the last line, one JSON object.
 * @throws Error if a figure is zero or not a number.
 */
export function report(figures: SearchFigures & { machine: string }): void {
  const result = { benchmark: "search", vectors: "random, around 1,000 centres", ...figures };
  refuseEmptyFigures(result);
  const { chunks, dimensions, indexSeconds, exactMs, breadths, backfillRate, routerMicroseconds, machine } = figures;
  console.log(
    `${chunks} random vectors around 1,000 centres, ${dimensions} dimensions, halfvec HNSW (m 16, ef_construction 64)`,
  );
  console.log(`${machine}\n`);
  console.log("ef_search  recall@10  p50, p95, p99 alone      during a backfill");
  for (const { efSearch, recall10, quiet, backfilling } of breadths) {
    console.log(
      `${`${efSearch}`.padStart(9)}  ${recall10.toFixed(3).padStart(9)}  ${format(quiet)}  ${format(backfilling)}`,
    );
  }
  console.log(
    `\nexact search ${exactMs} ms; index built in ${indexSeconds} s; the concurrent backfill stored ${backfillRate} chunks/s`,
  );
  console.log(`choosing a subject's profile ${routerMicroseconds} µs`);
  console.log(`\n${JSON.stringify(result)}`);
}

function format({ p50, p95, p99 }: Latency): string {
  return `${[p50, p95, p99].map((value) => value.toFixed(1)).join(" / ")} ms`.padEnd(23);
}
