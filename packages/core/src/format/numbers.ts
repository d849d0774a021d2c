export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** `99.9 %`; 100.0 % only if it is complete. */
export function formatShare(share: number): string {
  return `${formatPercent(share)} %`;
}

/** `812 MB`, `3.1 GB`: decimal units. */
export function formatBytes(bytes: number): string {
  const [unit, size] =
    bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : bytes < 1e12 ? ["GB", 1e9] : ["TB", 1e12];
  const value = bytes / Number(size);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** Small rates keep one decimal: a CPU embeds less than one long chunk per second. */
export function formatRate(rate: number): string {
  return rate >= 10 || rate === 0 ? formatCount(rate) : rate.toFixed(1);
}

/** `99.9`; 100.0 only if it is complete. */
export function formatPercent(share: number): string {
  return (Math.floor(1_000 * share) / 10).toFixed(1);
}

export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** An amount of money, in whatever currency prices are given: `1,234.50`, `0.0042`. */
export function formatAmount(amount: number): string {
  if (amount > 0 && amount < 1) return String(Number(amount.toPrecision(2)));
  return amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
