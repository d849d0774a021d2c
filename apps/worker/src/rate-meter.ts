const windowMs = 30_000;

/** The rate per second over the last half minute, or since the start if that is shorter. */
export class RateMeter {
  readonly #startedAt = performance.now();
  #events: { at: number; chunks: number; tokens: number }[] = [];
  #untaken = { chunks: 0, tokens: 0 };

  add(chunks: number, tokens: number): void {
    this.#events.push({ at: performance.now(), chunks, tokens });
    this.#untaken.chunks += chunks;
    this.#untaken.tokens += tokens;
  }

  /** What was added since the last call. */
  take(): { chunks: number; tokens: number } {
    const taken = this.#untaken;
    this.#untaken = { chunks: 0, tokens: 0 };
    return taken;
  }

  read(): { chunksPerSecond: number; tokensPerSecond: number } {
    const now = performance.now();
    this.#events = this.#events.filter((event) => event.at > now - windowMs);
    const seconds = Math.max(1, Math.min(windowMs, now - this.#startedAt) / 1_000);
    const sum = (of: "chunks" | "tokens") => this.#events.reduce((total, event) => total + event[of], 0);
    return { chunksPerSecond: sum("chunks") / seconds, tokensPerSecond: sum("tokens") / seconds };
  }
}
