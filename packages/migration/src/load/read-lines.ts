export interface Line {
  /** Counted from 1. */
  number: number;
  /** Without the line end; undefined if the line is longer than the limit. */
  bytes: Buffer | undefined;
  /** Including the line end. */
  sizeBytes: number;
}

/** The lines of a stream of bytes. Of a line longer than `limitBytes` only the size is kept. */
export async function* readLines(chunks: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<Line> {
  let line = new OpenLine(1, limitBytes);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", start)) {
      line.append(chunk.subarray(start, end));
      yield line.close(1);
      line = new OpenLine(line.number + 1, limitBytes);
      start = end + 1;
    }
    line.append(chunk.subarray(start));
  }
  if (line.sizeBytes > 0) yield line.close(0);
}

/** A line whose end has not been read yet. */
class OpenLine {
  readonly number: number;
  sizeBytes = 0;
  readonly #limitBytes: number;
  #parts: Buffer[] = [];

  constructor(number: number, limitBytes: number) {
    this.number = number;
    this.#limitBytes = limitBytes;
  }

  append(part: Buffer): void {
    this.sizeBytes += part.length;
    if (this.sizeBytes > this.#limitBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  close(lineEndBytes: number): Line {
    const bytes = this.sizeBytes > this.#limitBytes ? undefined : Buffer.concat(this.#parts);
    return { number: this.number, bytes, sizeBytes: this.sizeBytes + lineEndBytes };
  }
}
