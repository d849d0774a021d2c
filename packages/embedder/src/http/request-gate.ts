import { setTimeout as delay } from "node:timers/promises";

/** What a server allows its client. */
export interface RequestLimits {
  /** Maximum number of requests in flight. */
  inFlight: number;
  /** Maximum tokens of all requests of any minute; unlimited if undefined. */
  tokensPerMinute?: number | undefined;
  requestsPerMinute?: number | undefined;
}

const minuteMs = 60_000;

/**
 * Holds requests back, in their order, until the server's limits allow them, so that the server need not refuse them. One
 * gate is for all requests of a process to a server: several batches are embedded at a time. Retries pass it again.
 */
export class RequestGate {
  readonly #limits: RequestLimits;
  readonly #clock: GateClock;
  #turns: Promise<unknown> = Promise.resolve();
  #waiting: (() => void)[] = [];
  #inFlight = 0;
  /** The requests of the last minute, the oldest first. */
  #sent: { at: number; tokens: number }[] = [];
  #closedUntil = 0;

  constructor(limits: RequestLimits, clock: GateClock = wallClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Sends one request of so many tokens as soon as it may be sent. Throws the signal's reason if it is aborted before. */
  async pass<Answer>(tokens: number, signal: AbortSignal, send: () => Promise<Answer>): Promise<Answer> {
    const admitted = this.#turns.then(() => this.#admit(tokens, signal));
    this.#turns = admitted.catch(() => undefined);
    await admitted;
    try {
      return await send();
    } finally {
      this.#inFlight--;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** The server asked for a pause. It also holds for requests of other batches. */
  pause(ms: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, this.#clock.now() + ms);
  }

  /** How much of a pause that the server asked for is left. */
  get pauseMs(): number {
    return Math.max(0, this.#closedUntil - this.#clock.now());
  }

  async #admit(tokens: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#inFlight >= this.#limits.inFlight) {
        await this.#untilAnswered(signal);
        continue;
      }
      const waitMs = Math.max(this.pauseMs, this.#limitedMs(tokens));
      if (waitMs === 0) break;
      await this.#clock.wait(waitMs, signal);
    }
    this.#inFlight++;
    this.#sent.push({ at: this.#clock.now(), tokens });
  }

  /** How long until a request of so many tokens is within the limits. One that exceeds them by itself waits for a free minute. */
  #limitedMs(tokens: number): number {
    const { tokensPerMinute = Number.POSITIVE_INFINITY, requestsPerMinute = Number.POSITIVE_INFINITY } = this.#limits;
    const now = this.#clock.now();
    this.#sent = this.#sent.filter(({ at }) => at > now - minuteMs);
    let requests = this.#sent.length;
    let inMinute = this.#sent.reduce((sum, request) => sum + request.tokens, 0);
    let freeAt = now;
    for (const oldest of this.#sent) {
      if (requests < requestsPerMinute && inMinute + tokens <= tokensPerMinute) break;
      requests--;
      inMinute -= oldest.tokens;
      freeAt = oldest.at + minuteMs;
    }
    return freeAt - now;
  }

  async #untilAnswered(signal: AbortSignal): Promise<void> {
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const onAbort = () => wake();
    this.#waiting.push(wake);
    signal.addEventListener("abort", onAbort, { once: true });
    await promise;
    signal.removeEventListener("abort", onAbort);
  }
}

/** The time in milliseconds, which never goes back, and a wait, which an aborted signal ends. */
export interface GateClock {
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

const wallClock: GateClock = {
  now: () => performance.now(),
  // Timers may fire a fraction of a millisecond early, which would mean another short wait.
  wait: (ms, signal) => delay(Math.ceil(ms), undefined, { signal }).catch(() => undefined),
};
