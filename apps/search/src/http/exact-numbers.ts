/**
 * For JSON.parse: a number that a double cannot keep, such as 1e-400, 9007199254740993 or 0.1000000000000000055, becomes NaN,
 * which no field accepts. Otherwise a filter would be for another number than was sent.
 */
export function keepExactNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return digitsOf(context.source) === digitsOf(String(value)) ? value : Number.NaN;
}

/** A decimal number without its notation: 100, 1e2 and 100.0 are the same. */
function digitsOf(decimal: string): string {
  const [, sign, whole = "", fraction = "", exponent = "0"] =
    decimal.match(/^(-?)(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?$/i) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign}${significant}e${power}`;
}
