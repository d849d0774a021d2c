import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readLines } from "./read-lines.ts";

async function linesOf(chunks: string[], limitBytes = 100): Promise<[number, string | undefined, number][]> {
  const lines = await Array.fromAsync(readLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), limitBytes));
  return lines.map(({ number, bytes, sizeBytes }) => [number, bytes?.toString(), sizeBytes]);
}

test("lines are the same however the stream is split", async () => {
  const text = "one\n\ntwo\r\nthree";
  const expected = [
    [1, "one", 4],
    [2, "", 1],
    [3, "two\r", 5],
    [4, "three", 5],
  ];
  expect(await linesOf([text])).toEqual(expected);
  expect(await linesOf([...text])).toEqual(expected);
  expect(await linesOf(["one\n", "", "\ntwo\r", "\nthree"])).toEqual(expected);
});

test("a line end at the end of the stream does not begin another line", async () => {
  expect(await linesOf(["one\n"])).toEqual([[1, "one", 4]]);
  expect(await linesOf([])).toEqual([]);
});

test("of a line over the limit only the size is kept, and the next one is complete", async () => {
  const expected = [
    [1, "1234", 5],
    [2, undefined, 6],
    [3, "6789", 5],
    [4, undefined, 7],
  ];
  expect(await linesOf(["1234\n12345\n6789\n1234567"], 4)).toEqual(expected);
  expect(await linesOf([..."1234\n12345\n6789\n1234567"], 4)).toEqual(expected);
});
