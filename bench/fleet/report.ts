import { refuseEmptyFigures } from "../embed/figures.ts";
import type { FleetFigures } from "./measure.ts";

/**
 * Prints a summary for people and, as the last line, one JSON object.
 * @throws Error if a figure is zero or not a number.
 */
export function report(figures: FleetFigures & { rounds: number; machine: string }): void {
  const result = { benchmark: "fleet", embedder: "null: random unit vectors, no model", ...figures };
  refuseEmptyFigures(result, ["producer"]);
  const { chunks, rounds, throughput, footprints, postgresBytesPerChunk, tickMs, statusMs, machine } = figures;
  console.log(`Null embedder (random unit vectors, no model); ${chunks} short chunks; medians of ${rounds} rounds`);
  console.log(`${machine}\n`);
  console.log("workers   chunks/s   CPU seconds per million chunks: PostgreSQL, Redis, producer, workers");
  for (const { workers, chunksPerSecond, cpuPerMillion } of throughput) {
    const { postgres, redis, producer, workers: own } = cpuPerMillion;
    const seconds = [postgres, redis, producer, own].map((value) => `${value}`.padStart(8)).join("");
    console.log(`${`${workers}`.padStart(7)}${`${chunksPerSecond}`.padStart(11)}${seconds}`);
  }
  console.log("\nenqueued up to    producer   Redis");
  for (const { enqueuedAtMost, producerMiB, redisMiB } of footprints) {
    console.log(
      `${`${enqueuedAtMost}`.padStart(14)}  ${producerMiB.toFixed(1).padStart(6)} MiB  ${redisMiB.toFixed(1)} MiB`,
    );
  }
  console.log(`\nPostgreSQL  ${postgresBytesPerChunk} bytes per chunk: vector, key and indexes`);
  console.log(`tick        ${tickMs.first} ms in the first quarter, ${tickMs.last} ms in the last`);
  console.log(`status      ${statusMs} ms`);
  console.log(`\n${JSON.stringify(result)}`);
}
