import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Chunking } from "../profiles/profile.ts";
import { type ChunkSlice, chunkText, joinChunks } from "./chunk.ts";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const family = "👨‍👩‍👧‍👦"; // 7 code points, 11 code units
const points = (text: string) => [...text].length;
const contents = (body: string, chunking: Chunking) => chunkText(body, chunking).map((chunk) => chunk.content);
const firstOf = (body: string, size: number) => contents(body, { size, overlap: 0 })[0];

describe("a body", () => {
  test("without text has no chunks", () => {
    expect(chunkText("", { size: 100, overlap: 10 })).toEqual([]);
  });

  test("that fits the size is one chunk; the size counts code points", () => {
    const body = "😀".repeat(100);
    expect(chunkText(body, { size: 100, overlap: 10 })).toEqual([{ position: 0, start: 0, end: 100, content: body }]);
  });

  test("cannot be cut with an overlap as large as the chunk", () => {
    for (const [size, overlap] of [
      [0, 0],
      [100, 100],
      [100, -1],
      [Number.NaN, 0],
    ] as const) {
      expect(() => chunkText("text", { size, overlap })).toThrow(RangeError);
    }
  });
});

describe("the end of a chunk", () => {
  // The last fifth of 100 characters is the characters 80 to 100.
  test("prefers a paragraph to a later sentence", () => {
    expect(firstOf(`${"a ".repeat(42)}b.\n\nThe end. Next ${"word ".repeat(20)}`, 100)).toBe(
      `${"a ".repeat(42)}b.\n\n`,
    );
  });

  test("takes a blank line for a paragraph, with spaces in it or Windows line ends", () => {
    expect(firstOf(`${"a ".repeat(42)}\n \t\nb. ${"word ".repeat(20)}`, 100)).toBe(`${"a ".repeat(42)}\n \t\n`);
    expect(firstOf(`${"a ".repeat(42)}\r\n\r\nb. ${"word ".repeat(20)}`, 100)).toBe(`${"a ".repeat(42)}\r\n\r\n`);
  });

  test("prefers a sentence to a later word", () => {
    expect(firstOf(`${"слово ".repeat(14)}конец. Начало ${"слово ".repeat(20)}`, 100)).toBe(
      `${"слово ".repeat(14)}конец. `,
    );
  });

  test("does not take the full stop of a number or of an abbreviation in lower case for a sentence", () => {
    const body = `${"word ".repeat(16)}now 3.14 cf. ibid, ${"word ".repeat(20)}`;
    expect(firstOf(body, 92)).toBe(`${"word ".repeat(16)}now 3.14 `);
  });

  test("takes the latest of several sentences", () => {
    expect(firstOf(`${"word ".repeat(16)}One. Two. Three. Then ${"word ".repeat(20)}`, 100)).toBe(
      `${"word ".repeat(16)}One. Two. Three. `,
    );
  });

  test("is after whitespace where no sentence ends", () => {
    expect(firstOf("abcdefg ".repeat(40), 100)).toBe("abcdefg ".repeat(12));
  });

  test("is between words of Thai, Chinese or Khmer, and not before their punctuation", () => {
    expect(firstOf("ภาษาไทย".repeat(20), 12)).toBe("ภาษาไทยภาษา");
    expect(firstOf("中文我们使用中文分词，效果很好", 10)).toBe("中文我们使用中文");
    expect(firstOf("ភាសាខ្មែរភាសាខ្មែរទៅ។ភាសាខ្មែរ", 20)).toBe("ភាសាខ្មែរភាសាខ្មែរ");
  });

  test("is exactly at the size if there is no boundary in the last fifth", () => {
    expect(firstOf(`End. ${"x".repeat(200)}`, 100)).toBe(`End. ${"x".repeat(95)}`);
    expect(firstOf(`${"x".repeat(77)}\n\n${"x".repeat(200)}`, 100)).toHaveLength(100);
    expect(firstOf(`${"x".repeat(78)}\n\n${"x".repeat(200)}`, 100)).toHaveLength(80);
  });
});

describe("a grapheme is never split:", () => {
  test.each([
    ["a family", family],
    ["a flag among flags", "🇷🇺🇺🇸🇩🇪"],
    ["a letter with its marks", "й̞"],
    ["a Windows line end", "\r\n"],
    ["Hangul jamo", "\u1112\u1161\u11ab"],
    ["a Devanagari conjunct", "क्ष"],
  ])("%s", (_, grapheme) => {
    const body = grapheme.repeat(60);
    const starts = boundariesOf(body);
    for (let size = 12; size < 40; size++) {
      for (const chunk of chunkText(body, { size, overlap: 5 })) {
        expect(starts).toContain(chunk.start);
        expect(starts).toContain(chunk.end);
      }
    }
  });

  test.each([
    ["marks", `e${"\u0301".repeat(1000)}`],
    ["astral characters", `${"👩\u200d".repeat(500)}👩`],
  ])("one of %s, longer than the size, is a chunk by itself, and the next chunk starts after it", (_, giant) => {
    expect(contents(`${giant}.${giant}abc`, { size: 10, overlap: 3 })).toEqual([giant, ".", giant, "abc"]);
  });

  test("if the overlap leaves no room for the next grapheme, the next chunk starts without overlap", () => {
    expect(chunkText(`abcdefghij${family}klm`, { size: 10, overlap: 5 })).toEqual([
      { position: 0, start: 0, end: 10, content: "abcdefghij" },
      { position: 1, start: 10, end: 20, content: `${family}klm` },
    ]);
  });
});

describe("chunks", () => {
  test("repeat the end of the previous chunk", () => {
    expect(contents("abcdefghijklmnopqrstuvwxyz", { size: 10, overlap: 4 })).toEqual([
      "abcdefghij",
      "ghijklmnop",
      "mnopqrstuv",
      "stuvwxyz",
    ]);
  });

  test("count code points where the text has astral characters", () => {
    expect(chunkText("😀a😀b😀c😀d", { size: 5, overlap: 2 })).toEqual([
      { position: 0, start: 0, end: 5, content: "😀a😀b😀" },
      { position: 1, start: 3, end: 8, content: "b😀c😀d" },
    ]);
  });

  test("at the end of a body are not blank: they repeat the last words", () => {
    const [, last] = contents(`${"word ".repeat(16)}${"\n".repeat(40)}`, { size: 100, overlap: 10 });
    expect(last).toBe(` word word ${"\n".repeat(40)}`);
    expect(contents("abcdefghij\n", { size: 10, overlap: 0 })).toEqual(["abcdefghij", "j\n"]);
  });

  test("at the end of a body are blank if the last words and a line end together do not fit into a chunk", () => {
    expect(contents("abc efgh\r\n\r\n", { size: 5, overlap: 2 })).toEqual(["abc ", "c efg", "fgh\r\n", "\r\n\r\n"]);
  });

  test("are not joined if one is missing", () => {
    const chunks = chunkText("abcdefghijklmnopqrstuvwxyz", { size: 10, overlap: 4 });
    expect(() => joinChunks(chunks.toSpliced(1, 2))).toThrow("Characters 10 to 18 are missing before chunk 3");
  });

  // Quadratic time would take minutes, far more than the test's time limit.
  test("are cut in time linear in the body, whatever its graphemes and sentences are", () => {
    for (const unit of ["🇷🇺", "слово ", `e${"\u0301".repeat(2000)}`, " ", "ไทย", "\n"].concat(
      `e${"\u0301".repeat(2_000_000)}`,
    )) {
      const body = unit.repeat(Math.max(1, 2_000_000 / unit.length));
      expect(joinChunks(chunkText(body, { size: 1500, overlap: 150 }))).toBe(body);
    }
  });
});

describe("for any text and chunking", () => {
  // Each text has few kinds of characters, drawn in runs: otherwise few runs would be as long as a chunk.
  const pieces = fc.constantFrom(
    ...[
      "Привет мир. ",
      "стол",
      "ё",
      "The cat sat. ",
      "word",
      "e.g. ",
      "3.14",
      "中文分词",
      "效果很好。",
      "ひらがな",
      "，",
    ],
    ...["مرحبا بالعالم. ", "سلام", "नमस्ते दुनिया। ", "क्ष", "ภาษาไทยเป็นภาษา", "กำ", "\u1112\u1161\u11ab", "한국어 "],
    ...[family, "🇷🇺", "🇩", "👍🏽", "😀", "\u200d", "\u0301", "\u0600", "a\u0301\u0302\u0303", "𝔘", "\u00ad"],
    ...["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\n \n", "\u2029", " ", "   ", "\u00a0", "\t", "?! ", "(", '"', "."],
  );
  const runs = fc.tuple(pieces, fc.integer({ min: 1, max: 12 })).map(([piece, times]) => piece.repeat(times));
  const anyBody = fc.array(runs, { maxLength: 40 }).map((parts) => parts.join(""));
  const anyChunking = fc
    .integer({ min: 1, max: 120 })
    .chain((size) => fc.record({ size: fc.constant(size), overlap: fc.integer({ min: 0, max: size - 1 }) }));

  test("the joined chunks are the body, and each chunk states its exact place in it", () => {
    const check = (body: string, chunking: Chunking) => {
      const chunks = chunkText(body, chunking);
      expect(joinChunks(chunks)).toBe(body);
      const characters = [...body];
      for (const [index, { position, start, end, content }] of chunks.entries()) {
        expect(position).toBe(index);
        expect(content).toBe(characters.slice(start, end).join(""));
      }
    };
    fc.assert(fc.property(anyBody, anyChunking, check), { numRuns: 500 });
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), anyChunking, check), { numRuns: 300 });
  });

  test("lone surrogates cause no error and are not lost", () => {
    const units = fc.constantFrom("\ud83d", "\ude00", "a", " ", "\u0301");
    const anyUnits = fc.array(units, { maxLength: 200 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(anyUnits, anyChunking, (body, chunking) => {
        expect(joinChunks(chunkText(body, chunking))).toBe(body);
      }),
    );
  });

  test("every cut is between graphemes, and only a chunk of a single grapheme exceeds the size", () => {
    fc.assert(
      fc.property(anyBody, anyChunking, (body, { size, overlap }) => {
        const boundaries = boundariesOf(body);
        for (const { start, end } of chunkText(body, { size, overlap })) {
          expect(boundaries).toContain(start);
          expect(boundaries).toContain(end);
          if (end - start > size) expect(boundaries.indexOf(end)).toBe(boundaries.indexOf(start) + 1);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("every chunk extends beyond the previous one, and repeats its end unless the next grapheme needs the room", () => {
    fc.assert(
      fc.property(anyBody, anyChunking, (body, { size, overlap }) => {
        const boundaries = boundariesOf(body);
        for (const [before, chunk] of neighbours(chunkText(body, { size, overlap }))) {
          expect(chunk.end).toBeGreaterThan(before.end);
          expect(chunk.start).toBeGreaterThanOrEqual(before.start);
          if (before.end - chunk.start >= Math.min(overlap, before.end - before.start)) continue;
          expect(chunk.start).toBe(before.end);
          const overlapStart = boundaries.findLast((boundary) => boundary <= before.end - overlap) ?? 0;
          const nextGraphemeEnd = boundaries.find((boundary) => boundary > before.end) ?? Number.POSITIVE_INFINITY;
          expect(nextGraphemeEnd - overlapStart).toBeGreaterThan(size);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("no chunk is blank if all whitespace is shorter than half a chunk", () => {
    const anyProse = fc.array(fc.constantFrom("слово", "word. ", "中文", " ", "\n", "\n\n", "\r\n", "    "), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(
        anyProse,
        fc.integer({ min: 20, max: 120 }),
        fc.integer({ min: 0, max: 10 }),
        (parts, size, overlap) => {
          const body = parts.join("");
          fc.pre(body.trim() !== "" && body.split(/\S/).every((blank) => blank.length < size / 2));
          for (const content of contents(body, { size, overlap })) expect(content.trim()).not.toBe("");
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** Starts and ends of all graphemes of a body, in code points. The whole body is segmented at once. */
function boundariesOf(body: string): number[] {
  let end = 0;
  const ends = Array.from(graphemes.segment(body), ({ segment }) => {
    end += points(segment);
    return end;
  });
  return [0, ...ends];
}

function neighbours(chunks: readonly ChunkSlice[]): [ChunkSlice, ChunkSlice][] {
  return chunks.slice(1).flatMap((chunk, index) => {
    const before = chunks[index];
    return before === undefined ? [] : [[before, chunk] as [ChunkSlice, ChunkSlice]];
  });
}
