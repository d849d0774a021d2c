import { describe, expect, test } from "vitest";
import { models } from "./catalogue.ts";
import { chunkingName, type ProfileOverrides, profiles, resolveProfile } from "./profile.ts";

describe("a registered profile", () => {
  test.each([
    ["rubert-tiny2", "cointegrated/rubert-tiny2", "1500-150", 25, 0.4],
    ["bge-m3", "BAAI/bge-m3", "6000-300", 15, 0.5],
    ["mini-rubert", "mini-rubert", "1500-150", 25, 0.4],
    ["mini-m3", "mini-m3", "6000-300", 15, 0.5],
  ])("%s is %s at %s, with limit %i and threshold %d", (name, model, chunking, limit, threshold) => {
    const profile = resolveProfile(name);
    expect(profile).toMatchObject({ name, model: models.get(model), limit, threshold });
    expect(chunkingName(profile.chunking)).toBe(chunking);
    expect(profiles.get(name)).toEqual(profile);
  });

  test("of a stand-in model has the search settings of the profile that it stands in for", () => {
    for (const [standIn, name] of [
      ["mini-rubert", "rubert-tiny2"],
      ["mini-m3", "bge-m3"],
    ] as const) {
      const { chunking, limit, threshold, model } = resolveProfile(name);
      expect(resolveProfile(standIn)).toMatchObject({ chunking, limit, threshold });
      const { dimensions, maxTokens } = model;
      expect(resolveProfile(standIn).model).toMatchObject({ dimensions, maxTokens });
    }
  });
});

describe("overrides", () => {
  test("equal to the profile's own settings change nothing", () => {
    const overrides = { modelId: "BAAI/bge-m3", dimensions: 1024, chunkSize: 6000, chunkOverlap: 300 };
    expect(resolveProfile("bge-m3", overrides)).toEqual(resolveProfile("bge-m3"));
  });

  test("of search settings keep the profile and its vectors", () => {
    const overridden = resolveProfile("bge-m3", { limit: 5, threshold: 0 });
    expect(overridden).toEqual({ ...resolveProfile("bge-m3"), limit: 5, threshold: 0 });
  });

  test("of the chunking make another profile, with the chunking in its name", () => {
    const { name, chunking } = resolveProfile("bge-m3", { chunkSize: 1000 });
    expect({ name, chunking }).toEqual({ name: "bge-m3-1000-300", chunking: { size: 1000, overlap: 300 } });
    expect(resolveProfile("bge-m3", { chunkOverlap: 0 }).name).toBe("bge-m3-6000-0");
  });

  test("with the old model and its dimensions select its profile, as the plan's rollback does", () => {
    const overrides = { modelId: "cointegrated/rubert-tiny2", dimensions: 312 };
    expect(resolveProfile("bge-m3", overrides)).toEqual(resolveProfile("rubert-tiny2"));
  });
});

describe("it is refused", () => {
  test.each<{ why: string; name?: string; overrides: ProfileOverrides; message: string }>([
    {
      why: "when there is no such profile",
      name: "e5",
      overrides: {},
      message: "There is no profile e5",
    },
    {
      why: "when there is no such model",
      overrides: { modelId: "someone/else" },
      message: "EMBEDDING_MODEL is someone/else, and no profile has that model",
    },
    {
      why: "when the model has other dimensions",
      overrides: { dimensions: 312 },
      message: "EMBEDDING_DIMENSION is 312, but BAAI/bge-m3 has 1024 dimensions",
    },
    {
      why: "when the overriding model has other dimensions",
      overrides: { modelId: "cointegrated/rubert-tiny2", dimensions: 1024 },
      message: "EMBEDDING_DIMENSION is 1024, but cointegrated/rubert-tiny2 has 312 dimensions",
    },
    {
      why: "when the overlap is more than half of the chunk size",
      overrides: { chunkSize: 599 },
      message: "CHUNK_OVERLAP is 300, more than half of MAX_CHUNK_SIZE, which is 599",
    },
  ])("$why", ({ name = "bge-m3", overrides, message }) => {
    const refused = expect(() => resolveProfile(name, overrides));
    refused.toThrow(
      expect.objectContaining({ code: "profile_invalid", exitCode: 2, message: expect.stringContaining(message) }),
    );
  });
});
