/** A value, and the bounds of its interval in words; `counted` if there is nothing to estimate. */
export function describeInterval(
  { total, low, high }: { total: number; low: number; high: number },
  format: (value: number) => string,
): { value: string; interval: string } {
  const [value, least, most] = [total, low, high].map(format) as [string, string, string];
  if (low === high) return { value, interval: "counted" };
  // Where rounding hides the bounds, how far they are away says more.
  if (least === most)
    return { value, interval: `within ${percentOf(Math.max(high - total, total - low), total)} with 95 % confidence` };
  return { value, interval: `${least} to ${most} with 95 % confidence` };
}

function percentOf(part: number, whole: number): string {
  return `${Math.ceil((100 * part) / whole)} %`;
}
