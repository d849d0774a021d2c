import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChunkSlice } from "./chunk.ts";
import { type ChunkDiff, diffChunks } from "./chunk-diff.ts";

interface StoredChunk extends ChunkSlice {
  id: number;
}

describe("of a document's chunks", () => {
  test("those with the same text at the same place are unchanged", () => {
    expect(diffChunks(stored("a", "b"), slices("a", "b"))).toEqual({ added: [], moved: [], removed: [], unchanged: 2 });
  });

  test("those after an inserted one move, and keep their rows", () => {
    const [a, b] = stored("a", "b");
    const [first, inserted, last] = slices("a", "new", "b");
    expect(first).toMatchObject({ content: a?.content });
    expect(diffChunks([a, b] as StoredChunk[], slices("a", "new", "b"))).toEqual({
      added: [inserted],
      moved: [{ stored: b, slice: last }],
      removed: [],
      unchanged: 1,
    });
  });

  test("an edited one is removed, and its new text is added", () => {
    const diff = diffChunks(stored("a", "b"), slices("a", "B"));
    expect(diff).toEqual({ added: [slices("a", "B")[1]], moved: [], removed: [stored("a", "b")[1]], unchanged: 1 });
  });

  test("all are added if the document is new, and all are removed if it has become empty", () => {
    expect(diffChunks([], slices("a", "b"))).toMatchObject({ added: slices("a", "b"), removed: [] });
    expect(diffChunks(stored("a", "b"), [])).toMatchObject({ added: [], removed: stored("a", "b") });
  });

  test("those of equal text are matched by position, in whatever order they were read", () => {
    const chunks = stored("same", "same", "same");
    const diff = diffChunks(chunks.toReversed(), slices("same", "same"));
    expect(diff).toEqual({ added: [], moved: [], removed: [chunks[2]], unchanged: 2 });
  });

  test("one that differs only in its offsets has moved", () => {
    const [slice] = slices("a");
    const moved = { ...slice, start: 3, end: 4 } as ChunkSlice;
    expect(diffChunks(stored("a"), [moved])).toMatchObject({ moved: [{ slice: moved }], unchanged: 0 });
  });
});

describe("for any two versions of a document", () => {
  test("the kept, moved and added chunks are the new ones, and no text that stays is embedded again", () => {
    const anyTexts = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });
    fc.assert(
      fc.property(anyTexts, anyTexts, (before, after) => {
        const diff = diffChunks(stored(...before), slices(...after));
        expect(apply(stored(...before), diff)).toEqual(slices(...after));
        const added = new Set(diff.added.map(({ content }) => content));
        expect(diff.removed.filter(({ content }) => added.has(content))).toEqual([]);
        expect(diff.unchanged + diff.moved.length + diff.removed.length).toBe(before.length);
      }),
      { numRuns: 500 },
    );
  });
});

/** Chunks of these texts, each after the other. */
function slices(...texts: string[]): ChunkSlice[] {
  let end = 0;
  return texts.map((content, position) => {
    const start = end;
    end += content.length;
    return { position, start, end, content };
  });
}

function stored(...texts: string[]): StoredChunk[] {
  return slices(...texts).map((slice, index) => ({ ...slice, id: index + 1 }));
}

/** Applies a difference as a store does. */
function apply(chunks: readonly StoredChunk[], { added, moved, removed }: ChunkDiff<StoredChunk>): ChunkSlice[] {
  const gone = new Set(removed.map(({ id }) => id));
  const places = new Map(moved.map(({ stored, slice }) => [stored.id, slice]));
  const kept = chunks.filter(({ id }) => !gone.has(id)).map(({ id, ...slice }) => places.get(id) ?? slice);
  return [...kept, ...added].sort((a, b) => a.position - b.position);
}
