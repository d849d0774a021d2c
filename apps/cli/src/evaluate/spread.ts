/** So many of these at most, in their order and evenly spread over it. */
export function spread<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(most, items.length);
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as T);
}
