/** Reports progress on stderr; stdout is for its result. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
