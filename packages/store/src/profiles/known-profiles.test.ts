import { profiles as catalogue, type Model, type Profile } from "@reembed/core";
import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { registerProfiles } from "../registration/registration.ts";
import { ensureRollout } from "../rollout/rollout-pair.ts";
import { addProfile, removeAddedProfile } from "./added-profiles.ts";
import { readKnownProfiles } from "./known-profiles.ts";
import { readProfileUses } from "./profile-uses.ts";

const rubert = testProfile("mini-rubert");
const model: Model = {
  ...rubert.model,
  ...{ id: "someone/minilm", revision: "files-1+2", pooling: "mean", bundled: false },
  ...{ dimensions: 128, outputDimensions: 384, maxTokens: 256, prompts: { query: "query: ", passage: "passage: " } },
  endpoint: { address: "http://tei:8080/v1", servedName: "minilm", pricePerMillion: 0.02 },
};

function added(name: string, changes: Partial<Profile> = {}): Profile {
  return { ...rubert, name, model, threshold: 0.25, ...changes };
}

describeOnEachServer("profiles that are added to a database", (open) => {
  let database: Database & AsyncDisposable;
  beforeAll(async () => {
    database = await openTestDatabase(await open(), [rubert]);
    await ensureRollout(database, { baseline: rubert.name, candidate: "serving" });
    return () => database[Symbol.asyncDispose]();
  });

  test("are read with everything that was said about their model, after the catalogue's", async () => {
    await addProfile(database, added("minilm"));
    const { profiles } = await readKnownProfiles(database);
    expect([...profiles.keys()]).toEqual([...catalogue.keys(), "minilm"]);
    expect(profiles.get("minilm")).toEqual(added("minilm"));
  });

  test("are registered with their model's revision, which readers are given", async () => {
    await addProfile(database, added("serving"));
    await registerProfiles(database, [added("serving", { threshold: 0.5 })]);
    const { registered, profiles } = await readKnownProfiles(database);
    expect(registered.get("serving")).toEqual(model);
    expect(registered.get(rubert.name)).toEqual(rubert.model);
    expect(profiles.get("serving")?.threshold).toBe(0.25);
    expect((await readProfileUses(database)).get("serving")).toEqual({
      ...{ added: true, state: "registered", role: "candidate" },
    });
  });

  test("may be added again with other search settings, and not with another model or other chunks", async () => {
    await addProfile(database, added("again"));
    await addProfile(database, added("again", { limit: 7 }));
    expect((await readKnownProfiles(database)).profiles.get("again")?.limit).toBe(7);
    const other = { ...model, revision: "files-2" };
    await expect(addProfile(database, added("again", { model: other }))).rejects.toMatchObject({
      ...{ code: "profile_conflict", exitCode: 3 },
      message: "Profile again is taken by someone/minilm at files-1+2; this is someone/minilm at files-2.",
    });
    await expect(addProfile(database, added("again", { chunking: { size: 900, overlap: 0 } }))).rejects.toMatchObject({
      message: "Profile again cuts chunks of 1500-150, not of 900-0.",
    });
    await expect(addProfile(database, added("more", { model: { ...model, maxTokens: 512 } }))).rejects.toMatchObject({
      message: "someone/minilm at files-1+2 is in the database with 256 tokens, not 512.",
    });
    expect((await readKnownProfiles(database)).profiles.has("more")).toBe(false);
  });

  test("are removed, unless they are baseline or candidate or may have vectors", async () => {
    await addProfile(database, added("unwanted", { model: { ...model, revision: "files-3" } }));
    await removeAddedProfile(database, "unwanted");
    expect((await readKnownProfiles(database)).profiles.has("unwanted")).toBe(false);
    await expect(removeAddedProfile(database, "unwanted")).rejects.toMatchObject({ code: "profile_unknown" });
    await expect(removeAddedProfile(database, "serving")).rejects.toMatchObject({
      ...{ code: "profile_in_use", exitCode: 3, message: "Profile serving is the candidate of this database." },
    });
    await addProfile(database, added("built"));
    await registerProfiles(database, [added("built-900-0", { chunking: { size: 900, overlap: 0 } })]);
    await expect(removeAddedProfile(database, "built")).rejects.toMatchObject({
      message: "Profile built-900-0 is registered, and may have vectors.",
    });
  });
});
