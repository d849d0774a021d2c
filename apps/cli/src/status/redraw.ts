/** Writes each text over the last one on a terminal, and below it elsewhere. */
export function redrawing(
  stream: Pick<NodeJS.WriteStream, "isTTY" | "columns"> & { write(text: string): unknown },
): (text: string) => void {
  let rows = 0;
  return (text) => {
    // Up to the first row of the last text, and all from there on cleared.
    const back = stream.isTTY && rows > 0 ? `\x1b[${rows}F\x1b[J` : "";
    stream.write(`${back}${text}\n`);
    // A terminal that does not know its width says 0.
    const columns = stream.columns || Number.POSITIVE_INFINITY;
    rows = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
  };
}
