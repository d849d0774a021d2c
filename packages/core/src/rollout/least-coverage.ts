/** Share of its embeddable chunks that must have their vectors before a profile answers people. */
export const leastCoverage = 0.999;
