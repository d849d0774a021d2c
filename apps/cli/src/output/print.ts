/** Writes a command's result to stdout: as one line of JSON for scripts, or as text for people. */
export function printResult(result: object, json: boolean | undefined, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(result) : text}\n`);
}

/** The last line of a dry run, as a comment, because the output before it is SQL. */
export function printUnchanged(): void {
  process.stdout.write("-- Nothing was changed.\n");
}
