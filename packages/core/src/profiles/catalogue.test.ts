import { describe, expect, test } from "vitest";
import { type CatalogueEntry, entries, models } from "./catalogue.ts";
import { filesRevision, isModelId, unpinned } from "./model.ts";
import { isProfileName, profiles } from "./profile.ts";

const figures = new Set<string>([
  ...(["dimensions", "shorter", "maxTokens", "pooling", "normalised", "prompts"] satisfies (keyof CatalogueEntry)[]),
  ...(["distance", "licence", "endpoint", "revision"] satisfies (keyof CatalogueEntry)[]),
]);

describe("the catalogue", () => {
  test("has many models, each once, under names that fit everywhere", () => {
    expect(entries.length).toBeGreaterThanOrEqual(30);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    expect(new Set(entries.map(({ profile }) => profile)).size).toBe(entries.length);
    expect([...profiles.keys()]).toEqual(entries.map(({ profile }) => profile));
  });

  test.each(entries.map((entry) => [entry.profile, entry] as const))("%s is whole and possible", (name, entry) => {
    expect(isProfileName(name) && name.length <= 32 && !/-\d+-\d+$/.test(name)).toBe(true);
    expect(isModelId(entry.id)).toBe(true);
    expect(entry.revision ?? unpinned).toMatch(entry.runs === "bundled" ? /^trained-\d+$/ : /^([0-9a-f]{40}|main)$/);
    expect(["files", "endpoint", "bundled"]).toContain(entry.runs);
    expect(["cls", "mean", "last", null]).toContain(entry.pooling);
    expect(entry.pooling === null).toBe(entry.runs === "endpoint");
    expect(entry.endpoint === undefined || entry.runs === "endpoint").toBe(true);
    expect(["cosine", "dot"]).toContain(entry.distance);
    for (const count of [entry.dimensions, entry.maxTokens, ...(entry.shorter ?? [])]) {
      expect(Number.isInteger(count) && count > 0).toBe(true);
    }
    for (const length of entry.shorter ?? []) expect(length).toBeLessThan(entry.dimensions);
    expect(Object.keys(entry.prompts).sort()).toEqual(["passage", "query"]);
    expect(entry.licence).not.toBe("");
    expect(typeof entry.normalised).toBe("boolean");
    if (entry.endpoint !== undefined) expect(new URL(entry.endpoint.address).protocol).toBe("https:");
  });

  test.each(entries.map((entry) => [entry.profile, entry] as const))(
    "%s says where its figures are from",
    (_, entry) => {
      expect(entry.sources.length).toBeGreaterThan(0);
      for (const source of entry.sources) {
        expect(source === "models/README.md" ? entry.runs : new URL(source).protocol).toMatch(/^(https:|bundled)$/);
      }
      expect(entry.unchecked.filter((figure) => !figures.has(figure))).toEqual([]);
    },
  );

  test("describes its models' revisions by commit and settings", () => {
    expect(models.get("BAAI/bge-m3")?.revision).toBe("5617a9f61b028005a4858fdac845db406aefb181");
    const e5 = models.get("intfloat/multilingual-e5-small");
    expect(e5?.revision).toMatch(/^[0-9a-f]{40}\+[0-9a-f]{10}$/);
    expect(filesRevision(e5?.revision ?? "")).toBe("fd1525a9fd15316a2d503bf26ab031a61d056e98");
    expect(models.get("openai/text-embedding-3-small")?.revision).toBe(unpinned);
  });
});
