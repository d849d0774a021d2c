import { existsSync } from "node:fs";
import { join } from "node:path";
import { folderOf } from "@reembed/testing";
import { expect, test } from "vitest";
import { jsonLines, runReembed, standIns } from "./run-reembed.ts";

test("doctor reports everything that is away line by line, continues, and ends with exit code 3", async () => {
  const nobody = "127.0.0.1:1";
  const addresses = { DATABASE_URL: `postgres://me:hunter2@${nobody}/db`, REDIS_URL: `redis://:hunter2@${nobody}` };
  const environment = { ...standIns, ...addresses, BASELINE_PROFILE: "bge-m3" };
  const { code, stdout, stderr } = await runReembed(["doctor"], { environment });
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  expect(stdout).toMatch(/^database +must be fixed +The database db at 127\.0\.0\.1:1 cannot be opened/m);
  expect(stdout).toMatch(/^Redis +must be fixed +Redis at 127\.0\.0\.1:1 does not answer/m);
  expect(stdout).toMatch(/^model BAAI\/bge-m3 +must be fixed .*\n +-> Run `reembed model pull BAAI\/bge-m3`/m);
  expect(stdout).toMatch(/^model mini-m3 +ok/m);
  expect(stdout).toMatch(/\n\n3 problems must be fixed first; \w+ warnings?\.\n$/);
  expect(stdout).not.toContain("hunter2");
});

test("doctor before `reembed init` ends with exit code 0, and creates nothing", async () => {
  const folder = join(await folderOf({}), "reembed");
  const outcome = await runReembed(["doctor", "--json"], { environment: { ...standIns, REEMBED_DIR: folder } });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  const [diagnosis] = jsonLines(outcome);
  expect(diagnosis).toMatchObject({ problems: 0, findings: expect.arrayContaining([expect.anything()]) });
  expect(existsSync(folder)).toBe(false);
});
