/**
 * The disk space of vectors by rows and dimensions. Measured with 20,000 random vectors in the partition of a profile,
 * written in batches of 64 as in a backfill, on PostgreSQL 15.20 with pgvector 0.8.0:
 *
 * |                                                     | 312 dimensions | 1,024 dimensions |
 * |-----------------------------------------------------|----------------|------------------|
 * | a row of the partition, with its TOAST and indexes  | 937 B          | 3,013 B          |
 * | a row in an HNSW index of halfvec, m = 16           | 1,024 B        | 2,731 B          |
 * | a row in the memory of such a build (its NOTICE)    | 1,405 B        | 2,829 B          |
 */
const rowBytes = { least: { dimensions: 312, bytes: 937 }, most: { dimensions: 1_024, bytes: 3_013 } };

/** The table of a profile's vectors, with the indexes that every profile has. */
export function vectorBytes(rows: number, dimensions: number): number {
  const { least, most } = rowBytes;
  const slope = (most.bytes - least.bytes) / (most.dimensions - least.dimensions);
  return Math.round(rows * (least.bytes + slope * (dimensions - least.dimensions)));
}

/** An HNSW index on disk: rows of 2 bytes per dimension plus 284, as many as fit into a page of 8 KB. */
export function hnswBytes(rows: number, dimensions: number): number {
  return Math.ceil(rows / Math.max(1, Math.floor(8_168 / (2 * dimensions + 284)))) * 8_192;
}

/** The graph in memory. With less `maintenance_work_mem` the build continues in the index on disk, which is slower. */
export function hnswBuildBytes(rows: number, dimensions: number): number {
  return rows * (2 * dimensions + 781);
}
