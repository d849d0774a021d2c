/** Writes a command's result to stdout: as one line of JSON for scripts, or as text for people. */
export function printResult(result: object, json: boolean | undefined, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(result) : text}\n`);
}

/** Formats rows of cells as aligned columns; columns from `rightFrom` on, except the first, are aligned to the right. */
export function formatTable(rows: readonly (readonly string[])[], rightFrom = 1): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < rightFrom ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** `99.9 %`; 100.0 % only if it is complete. */
export function formatShare(share: number): string {
  return `${(Math.floor(1_000 * share) / 10).toFixed(1)} %`;
}

/** `812 MB`, `3.1 GB`: decimal units. */
export function formatBytes(bytes: number): string {
  const [unit, size] =
    bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : bytes < 1e12 ? ["GB", 1e9] : ["TB", 1e12];
  const value = bytes / Number(size);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** The last line of a dry run, as a comment, because the output before it is SQL. */
export function printUnchanged(): void {
  process.stdout.write("-- Nothing was changed.\n");
}
