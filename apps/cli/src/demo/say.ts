/** Tells what the demo does, as it does it; stdout is for its result. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
