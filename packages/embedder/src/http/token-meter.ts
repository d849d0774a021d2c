/** Counts the tokens that an embedding server is paid for. */
export interface TokenMeter {
  /**
   * Called before a request of so many tokens is sent. Returns how many of them it has counted already.
   * @throws ReembedError `budget_spent` if they may not be sent.
   */
  reserve(tokens: number): Promise<number>;
  /** Called after the request. `read`: the tokens that the server has read, or may have read before it failed. */
  settle(reserved: number, read: number): void;
}
