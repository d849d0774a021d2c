import { describe, expect, test } from "vitest";
import { loadConfig } from "./config.ts";
import { activeProfiles, configuredProfile, withProfiles } from "./with-profiles.ts";

test("the migration plan's variables can put everything back on the old model", () => {
  const config = withProfiles(loadConfig({ EMBEDDING_MODEL: "cointegrated/rubert-tiny2", EMBEDDING_DIMENSION: "312" }));
  expect(activeProfiles(config)).toMatchObject([
    {
      name: "rubert-tiny2",
      model: { id: "cointegrated/rubert-tiny2", dimensions: 312 },
      chunking: { size: 1500, overlap: 150 },
      limit: 25,
      threshold: 0.4,
    },
  ]);
});

describe("profiles of a database", () => {
  const minilm = { ...configuredProfile(withProfiles(loadConfig({})), "mini-rubert"), name: "minilm" };
  const known = { profiles: new Map([["minilm", minilm]]), registered: new Map() };
  const settings = loadConfig({ BASELINE_PROFILE: "minilm", CANDIDATE_PROFILE: "minilm", MAX_CHUNK_SIZE: "900" });

  test("can be chosen like the catalogue's, with the same overrides", () => {
    const { baseline, candidate } = withProfiles(settings, known);
    expect(baseline).toEqual(minilm);
    expect(candidate).toMatchObject({ name: "minilm-900-150", chunking: { size: 900, overlap: 150 } });
    expect(() => withProfiles(settings)).toThrow(/^There is no profile minilm\.$/);
  });

  test("with vectors keep the model that these came from, whatever the catalogue says now", () => {
    const older = { ...minilm.model, revision: "older" };
    const registered = new Map([["minilm-900-150", older]]);
    const { baseline, candidate } = withProfiles(settings, { ...known, registered });
    expect(candidate.model).toEqual(older);
    expect(baseline.model).toEqual(minilm.model);
  });
});

describe("a profile that is given by name", () => {
  const chosen = { CANDIDATE_PROFILE: "mini-m3", MAX_CHUNK_SIZE: "3000", SEARCH_LIMIT: "7" };
  const config = withProfiles(loadConfig(chosen));

  test("is the candidate with the environment's overrides, the baseline, or another registered one", () => {
    expect(configuredProfile(config, "mini-m3-3000-300")).toBe(config.candidate);
    expect(configuredProfile(config, "rubert-tiny2")).toBe(config.baseline);
    expect(configuredProfile(config, "mini-rubert")).toMatchObject({ name: "mini-rubert", limit: 25 });
  });

  const list = "`reembed profile list` lists all profiles, and `reembed profile add` adds one.";
  test.each([
    ["nonsense", list],
    ["mini-m4", `Did you mean mini-m3? ${list}`],
    ["mini-m3-3000-400", `Did you mean mini-m3-3000-300? ${list}`],
    ["mini", `Did you mean mini-m3-3000-300 or mini-rubert or mini-m3? ${list}`],
    ["openai-ada", `Did you mean openai-ada-002? ${list}`],
  ])("and does not exist is refused with the closest names: %s", (name, remedy) => {
    const refusal = { code: "profile_unknown", exitCode: 2, message: `There is no profile ${name}.`, remedy };
    expect(() => configuredProfile(config, name)).toThrow(expect.objectContaining(refusal));
    if (name === "mini-m3-3000-400" || name === "mini") return;
    const settings = loadConfig({ CANDIDATE_PROFILE: name });
    expect(() => withProfiles(settings)).toThrow(expect.objectContaining(refusal));
  });
});
