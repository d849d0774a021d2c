import type { ChunkSlice } from "./chunk.ts";

/** How the stored chunks of a document become its new ones. */
export interface ChunkDiff<Stored> {
  added: ChunkSlice[];
  /** Stored chunks with the same text at another place. They keep their vectors. */
  moved: { stored: Stored; slice: ChunkSlice }[];
  removed: Stored[];
  unchanged: number;
}

/** Matches the stored and the new chunks of one document by text; chunks of equal text are matched in order. */
export function diffChunks<Stored extends ChunkSlice>(
  stored: readonly Stored[],
  slices: readonly ChunkSlice[],
): ChunkDiff<Stored> {
  const byText = Map.groupBy(
    stored.toSorted((a, b) => a.position - b.position),
    (chunk) => chunk.content,
  );
  const diff: ChunkDiff<Stored> = { added: [], moved: [], removed: [], unchanged: 0 };
  for (const slice of slices) {
    const match = byText.get(slice.content)?.shift();
    if (match === undefined) diff.added.push(slice);
    else if (match.position === slice.position && match.start === slice.start && match.end === slice.end) {
      diff.unchanged++;
    } else diff.moved.push({ stored: match, slice });
  }
  diff.removed = [...byText.values()].flat();
  return diff;
}
