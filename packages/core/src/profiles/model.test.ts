import { describe, expect, test } from "vitest";
import { filesRevision, isModelId, type Model, withSettings } from "./model.ts";

const plain: Omit<Model, "revision"> = {
  ...{ id: "someone/model", dimensions: 384, outputDimensions: 384, maxTokens: 512, pooling: "cls", bundled: false },
  prompts: { query: "", passage: "" },
};
const revisionOf = (changes: Partial<Model>) => withSettings({ ...plain, ...changes }, "c0ffee").revision;

describe("a model's revision", () => {
  test("is that of its files, if it takes the first token, whole and without prompts", () => {
    expect(revisionOf({})).toBe("c0ffee");
  });

  test("differs with the pooling, with each prompt, and with the length that vectors are cut to", () => {
    const changes: Partial<Model>[] = [
      { pooling: "mean" },
      { pooling: "last" },
      { prompts: { query: "query: ", passage: "" } },
      { prompts: { query: "", passage: "query: " } },
      { prompts: { query: "query: ", passage: "passage: " } },
      { dimensions: 256 },
      { dimensions: 128 },
    ];
    const revisions = [{}, ...changes].map(revisionOf);
    expect(new Set(revisions).size).toBe(revisions.length);
    expect(revisions.map(filesRevision)).toEqual(revisions.map(() => "c0ffee"));
    expect(changes.map(revisionOf)).toEqual(revisions.slice(1));
  });

  test("of a model that has fewer dimensions by itself is not that of a cut one", () => {
    expect(revisionOf({ dimensions: 256, outputDimensions: 256 })).toBe("c0ffee");
  });
});

test.each([
  ["mini-m3", true],
  ["intfloat/multilingual-e5-small", true],
  ["a/b/c", false],
  ["../elsewhere", false],
  ["someone/..", false],
  [".hidden", false],
  ["/absolute", false],
  ["", false],
])("%s is safe as the path of a model: %s", (id, safe) => {
  expect(isModelId(id)).toBe(safe);
});
