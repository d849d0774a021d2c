import { loadConfig, withProfiles } from "@reembed/config";
import { profiles } from "@reembed/core";
import { expect, test } from "vitest";
import { buildingCommands, crossedProfile } from "./crossed-profile.ts";

test("the suggested commands build the missing profile", () => {
  const crossed = crossedProfile({ model: "mini-rubert" }, { chunking: "6000-300" }, profiles);
  expect(crossed?.name).toBe("mini-rubert-6000-300");
  const [command = ""] = crossed === undefined ? [] : buildingCommands(crossed, profiles);
  const assignments = command.split(" ").filter((word) => word.includes("="));
  const environment = Object.fromEntries(assignments.map((word) => word.split("=")));
  expect(withProfiles(loadConfig(environment)).candidate).toEqual(crossed);
  expect(command).toMatch(/ npx reembed init$/);
});

test("an adopted chunking or an unregistered model has no such profile", () => {
  expect(crossedProfile({ model: "mini-rubert" }, { chunking: "public.document_chunks" }, profiles)).toBeUndefined();
  expect(crossedProfile({ model: "other" }, { chunking: "6000-300" }, profiles)).toBeUndefined();
});
