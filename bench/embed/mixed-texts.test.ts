import { models } from "@reembed/core";
import { modelFolder } from "@reembed/embedder";
import { expect, test } from "vitest";
import { mixedTexts } from "./mixed-texts.ts";

test("texts have evenly spread lengths, in mixed order", async () => {
  const model = models.get("mini-m3");
  if (model === undefined) throw new Error("mini-m3 is not registered");
  const texts = await mixedTexts(modelFolder(model, ""), { count: 4, least: 30, most: 120 });
  const lengths = texts.map(({ tokens }) => tokens);
  for (const [place, length] of lengths.toSorted((a, b) => a - b).entries()) {
    expect(Math.abs(length - (30 + 30 * place))).toBeLessThanOrEqual(2);
  }
  expect(lengths).not.toEqual(lengths.toSorted((a, b) => a - b));
  expect(new Set(texts.map(({ text }) => text)).size).toBe(4);
});
