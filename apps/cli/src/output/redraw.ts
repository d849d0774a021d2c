/** Replaces the previous text on a terminal; otherwise appends each text. */
export function redrawing(
  stream: Pick<NodeJS.WriteStream, "isTTY" | "columns"> & { write(text: string): unknown },
): (text: string) => void {
  let rows = 0;
  return (text) => {
    // Moves to the first row of the previous text and clears everything from there on.
    const back = stream.isTTY && rows > 0 ? `\x1b[${rows}F\x1b[J` : "";
    stream.write(`${back}${text}\n`);
    // A terminal of unknown width reports 0.
    const columns = stream.columns || Number.POSITIVE_INFINITY;
    rows = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
  };
}
