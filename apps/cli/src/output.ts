/** Writes a command's result to stdout: as one line of JSON for scripts, or as text for people. */
export function printResult(result: object, json: boolean | undefined, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(result) : text}\n`);
}

/** Rows of cells as text in aligned columns; every column but the first is aligned to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** `99.9 %`; 100.0 % only of what is complete. */
export function formatShare(share: number): string {
  return `${(Math.floor(1_000 * share) / 10).toFixed(1)} %`;
}
