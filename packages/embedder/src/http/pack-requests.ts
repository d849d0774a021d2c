export interface RequestLimits {
  /** Texts of one request at most. */
  texts: number;
  /** Tokens of one request at most, counted as if all its texts were as long as the longest: so do servers that pad. */
  tokens: number;
}

/**
 * Groups inputs into requests, the longest first: neighbours are alike, and little is padded. One with more tokens than
 * a request may have goes alone.
 */
export function packRequests<Input extends { ids: Int32Array }>(
  inputs: readonly Input[],
  limits: RequestLimits,
): Input[][] {
  const requests: Input[][] = [];
  for (const input of inputs.toSorted((a, b) => b.ids.length - a.ids.length)) {
    const current = requests.at(-1);
    const longest = current?.[0]?.ids.length ?? 0;
    if (current === undefined || current.length >= limits.texts || (current.length + 1) * longest > limits.tokens) {
      requests.push([input]);
    } else {
      current.push(input);
    }
  }
  return requests;
}
