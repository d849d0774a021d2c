import { expect, test } from "vitest";
import { redrawing } from "./redraw.ts";

function drawn(isTTY: boolean, texts: readonly string[], columns = 10): string[] {
  const written: string[] = [];
  const draw = redrawing({ isTTY, columns, write: (text) => written.push(text) });
  for (const text of texts) draw(text);
  return written;
}

test("on a terminal a text replaces the last one, including its wrapped and empty lines", () => {
  expect(drawn(true, ["a", "b\n\n0123456789x", "c"])).toEqual([
    "a\n",
    "\x1b[1F\x1b[Jb\n\n0123456789x\n",
    "\x1b[4F\x1b[Jc\n",
  ]);
});

test("a terminal of unknown width is assumed not to wrap", () => {
  expect(drawn(true, ["0123456789x", "a"], 0)).toEqual(["0123456789x\n", "\x1b[1F\x1b[Ja\n"]);
});

test("without a terminal it follows the last one, without control sequences", () => {
  expect(drawn(false, ["a", "b"])).toEqual(["a\n", "b\n"]);
});
