import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assembleText } from "./assemble.ts";
import { chunkText } from "./chunk.ts";
import { placeChunks } from "./chunk-places.ts";

const handbook = new URL("../../../../samples/handbook/", import.meta.url);
const bodies = ["de", "en", "es", "fr", "ru"].flatMap((language) =>
  readdirSync(new URL(`${language}/`, handbook)).map((file) =>
    readFileSync(new URL(`${language}/${file}`, handbook), "utf8"),
  ),
);
const anyBody = fc.constantFrom(...bodies);

describe("a text that was cut into overlapping chunks", () => {
  test("is assembled to the original, with the place of each chunk in it", () => {
    const anyChunking = fc
      .integer({ min: 60, max: 2000 })
      .chain((size) =>
        fc.record({ size: fc.constant(size), overlap: fc.integer({ min: 20, max: Math.floor(size / 3) }) }),
      );
    fc.assert(
      fc.property(anyBody, anyChunking, (body, chunking) => {
        const chunks = chunkText(body, chunking);
        const text = assembleText(
          chunks.map((chunk) => chunk.content),
          chunking.overlap,
        );
        expect(text).toEqual({ body, places: chunks.map(({ start, end }) => ({ start, end })), misfits: [] });
      }),
      { numRuns: 200 },
    );
  });

  test("is assembled when the overlap is unknown, or declared wrongly", () => {
    for (const body of bodies) {
      const contents = chunkText(body, { size: 400, overlap: 70 }).map((chunk) => chunk.content);
      for (const told of [0, 150, 1000]) expect(assembleText(contents, told)).toMatchObject({ body, misfits: [] });
    }
  });

  test("loses no more than whitespace when its chunks were trimmed, as splitters do", () => {
    const bare = (text: string) => text.replaceAll(/\s+/g, " ").trim();
    for (const body of bodies) {
      const contents = chunkText(body, { size: 400, overlap: 70 }).map((chunk) => chunk.content.trim());
      const text = assembleText(contents, 70);
      expect(bare(text.body)).toBe(bare(body));
      expect(text.misfits).toEqual([]);
    }
  });

  test("takes the usual overlap where rows of equal characters would allow a longer one", () => {
    const body = `${"a row of a table\n".repeat(60)}`;
    const contents = chunkText(body, { size: 170, overlap: 34 }).map((chunk) => chunk.content);
    expect(assembleText(contents, 34).body).toBe(body);
  });

  test("reports a chunk that does not continue the previous one, and puts a line feed before it", () => {
    const contents = chunkText(bodies[0] ?? "", { size: 300, overlap: 50 }).map((chunk) => chunk.content);
    contents.splice(2, 1);
    const text = assembleText(contents, 50);
    expect(text.misfits).toEqual([2]);
    expect(text.body).toContain(`${contents[1]}\n${contents[2]}`);
    const points = [...text.body];
    expect(text.places.map(({ start, end }) => points.slice(start, end).join(""))).toEqual(contents);
  });
});

describe("chunks that never overlap", () => {
  test("are joined as they are where whitespace separates them, and by line feeds where it was trimmed", () => {
    expect(assembleText(["One. ", "Two. ", "Three."], 0)).toMatchObject({ body: "One. Two. Three.", misfits: [] });
    expect(assembleText(["One.", "Two.", "Three."], 0)).toMatchObject({ body: "One.\nTwo.\nThree.", misfits: [] });
  });

  test("are each reported where an overlap was expected", () => {
    expect(assembleText(["One. ", "Two. ", "Three."], 20)).toMatchObject({
      body: "One. \nTwo. \nThree.",
      misfits: [1, 2],
    });
  });
});

test("zero chunks give an empty text, and one chunk is the whole text", () => {
  expect(assembleText([], 10)).toEqual({ body: "", places: [], misfits: [] });
  expect(assembleText(["😀 all"], 10)).toEqual({ body: "😀 all", places: [{ start: 0, end: 5 }], misfits: [] });
});

describe("chunks that another splitter has cut", () => {
  test("are found in their document, in code points, even if their whitespace was changed", () => {
    fc.assert(
      fc.property(anyBody, fc.constantFrom("trimmed", "one line", "as it is"), (body, treatment) => {
        const chunks = chunkText(body, { size: 500, overlap: 60 });
        const contents = chunks.map(({ content }) => {
          if (treatment === "as it is") return content;
          return treatment === "trimmed" ? content.trim() : content.replaceAll(/\s+/g, " ").trim();
        });
        const points = [...body];
        for (const [index, place] of placeChunks(body, contents).entries()) {
          const { start, end, content } = chunks[index] ?? { start: 0, end: 0, content: "" };
          expect(points.slice(place?.start, place?.end).join("")).toBe(
            treatment === "as it is" ? content : content.trim(),
          );
          expect(place?.start).toBeGreaterThanOrEqual(start);
          expect(place?.end).toBeLessThanOrEqual(end);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("are searched for after the previous chunk, and have no place if their text is not in the document", () => {
    expect(placeChunks("same 😀 same", ["same", "😀 same", "other", ""])).toEqual([
      { start: 0, end: 4 },
      { start: 5, end: 11 },
      undefined,
      undefined,
    ]);
    expect(placeChunks("same, then same", ["same, then", "same"])[1]).toEqual({ start: 11, end: 15 });
  });
});
