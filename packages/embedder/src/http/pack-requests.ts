export interface PackLimits {
  /** Maximum number of texts per request. */
  texts: number;
  /** Maximum number of tokens per request. Every text counts as long as the longest one, because many servers pad. */
  tokens: number;
}

/**
 * Groups inputs into requests, the longest first: neighbours are of similar length, so little is padded. An input with
 * more tokens than a request may have is sent alone.
 */
export function packRequests<Input extends { ids: Int32Array }>(
  inputs: readonly Input[],
  limits: PackLimits,
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
