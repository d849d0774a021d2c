import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { describeOnEachServer, describeOnOneServer, folderOf, waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { startFleet } from "./fleet.ts";
import { addressesOf, jsonLines, runReembed } from "./run-reembed.ts";
import { startReembed } from "./running.ts";

const miniM3 = fileURLToPath(new URL("../../../models/mini-m3", import.meta.url));
const pages = { "ru/leave.md": "# Отпуск\n\nОтпуск длится 28 дней.", "en/pay.txt": "Salaries are paid twice a month." };

/** The stand-in's files as somebody else would have them: under another name, without our manifest and graph. */
async function foreignFolder(): Promise<string> {
  const folder = join(await folderOf({}), "my-encoder");
  await cp(miniM3, folder, { recursive: true });
  await rm(join(folder, "manifest.json"));
  await rm(join(folder, "prepared"), { recursive: true });
  return folder;
}

/** The best result of a search by a process of its own, which ends afterwards. */
async function firstFound(environment: Record<string, string>, body: { query: string; profile: string }) {
  const search = startReembed(["search", "--port", "0", "--json"], environment);
  await search.told(/"url"/);
  const { url } = JSON.parse(search.lines.find((line) => line.includes('"url"')) ?? "") as { url: string };
  const answer = await fetch(`${url}v1/search`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { results } = (await answer.json()) as { results?: { content: string }[] };
  search.process.kill("SIGTERM");
  expect(await search.ended).toEqual([0, null]);
  return results?.[0];
}

describeOnEachServer(
  "a model that is in no catalogue",
  (open) => {
    test("becomes a profile by one command, embeds and answers, and is refused to nodes with other files", async () => {
      const servers = await open();
      const settings = { MODELS_DIR: await folderOf({}), BASELINE_PROFILE: "mini-rubert", LOG_LEVEL: "warn" };
      const environment = { ...settings, ...addressesOf(servers), CANDIDATE_PROFILE: "mine" };
      const run = (...args: string[]) => runReembed(args, { environment });
      const folder = await foreignFolder();

      expect(await run("init")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("There is no profile mine."),
      });
      const added = await run("profile", "add", "mine", "--folder", folder, "--query-prompt", "query: ", "--json");
      expect({ code: added.code, stderr: added.stderr.includes("error") }).toEqual({ code: 0, stderr: false });
      const [{ profile }] = jsonLines<{ profile: { model: { revision: string } } }>(added) as [
        { profile: { model: { revision: string } } },
      ];
      expect(profile).toMatchObject({
        model: { id: "my-encoder", dimensions: 1024, maxTokens: 8192, pooling: "cls", prompts: { query: "query: " } },
      });
      expect(profile.model.revision).toMatch(/^files-[0-9a-f]{12}\+[0-9a-f]{10}$/);

      expect(await run("init")).toMatchObject({ code: 0, stdout: "The database is ready for mini-rubert and mine.\n" });
      expect(await run("load", await folderOf(pages))).toMatchObject({ code: 0 });
      const database = openDatabase(servers);
      onTestFinished(() => database.$client.end());
      const registered = await readProfile(database, "mine");
      expect(registered).toMatchObject({ model: "my-encoder", revision: profile.model.revision });
      {
        const chunking = { size: 6000, overlap: 300 };
        await using fleet = startFleet(servers, { profile: "mine", chunking, workers: 1, settings: environment });
        await waitFor("every chunk", async () => {
          expect(fleet.exited()).toEqual([]);
          return (await readCoverage(database, registered)).coverage === 1;
        });
      }
      expect(await run("verify", "--full")).toMatchObject({ code: 0 });
      expect(await firstFound(environment, { query: "Сколько дней длится отпуск?", profile: "mine" })).toMatchObject({
        content: expect.stringContaining("Отпуск длится 28 дней."),
      });
      expect(await run("profile", "remove", "mine")).toMatchObject({
        ...{ code: 3, stderr: expect.stringContaining("Profile mine is the candidate of this database.") },
      });

      // A node with other files under this name.
      const graph = join(settings.MODELS_DIR, "my-encoder/model.safetensors");
      for (const made of ["manifest.json", "prepared"]) {
        await rm(join(settings.MODELS_DIR, "my-encoder", made), { recursive: true });
      }
      await writeFile(graph, "other weights");
      expect(await run("worker")).toMatchObject({
        ...{
          code: 1,
          stderr: expect.stringMatching(/my-encoder holds revision files-\w+ of my-encoder; files-\w+ was expected/),
        },
      });
    });
  },
  ["PostgreSQL"],
);

describeOnOneServer("reembed profile", (open) => {
  test("add says what is wrong with a name, a model and its flags, and adds nothing", async () => {
    const environment = { ...addressesOf(await open()), MODELS_DIR: await folderOf({}) };
    const folder = await foreignFolder();
    await rm(join(folder, "1_Pooling"), { recursive: true });
    await rm(join(folder, "modules.json"));
    const refusals: [args: string[], code: number, message: string][] = [
      [["Mine", "--folder", folder], 2, "Mine cannot be the name of a profile."],
      [["mine-900-90", "--folder", folder], 2, "mine-900-90 cannot be the name of a profile."],
      [["bge-m3", "--folder", folder], 3, "Profile bge-m3 is in the catalogue, with BAAI/bge-m3."],
      [["mine"], 2, "Either --folder or --model must say which model it is."],
      [["mine", "--model", "nonsense"], 2, "There is no model nonsense:"],
      [["mine", "--folder", folder], 2, "Add --pooling <cls, mean or last>."],
      [["mine", "--folder", folder, "--pooling", "max"], 2, "Allowed choices are cls, mean, last."],
      [["mine", "--folder", folder, "--pooling", "cls", "--dimensions", "2048"], 2, "--dimensions is 2048, and "],
      [
        ["mine", "--folder", folder, "--pooling", "cls", "--id", "mini-m3"],
        2,
        "mini-m3 is a stand-in that comes with Reembed.",
      ],
      [
        ["mine", "--model", "mini-m3", "--chunk-size", "100", "--chunk-overlap", "60"],
        2,
        "--chunk-overlap is 60, more than half of 100",
      ],
    ];
    for (const [args, code, message] of refusals) {
      const outcome = await runReembed(["profile", "add", ...args], { environment });
      expect({ args, code: outcome.code, stderr: outcome.stderr }).toEqual({
        args,
        code,
        stderr: expect.stringContaining(message),
      });
    }
    const { stdout } = await runReembed(["profile", "list"], { environment });
    expect(stdout).not.toMatch(/^mine/m);
  });

  test("lists, shows and removes what was added, of a model of the catalogue too", async () => {
    const environment = addressesOf(await open());
    const run = (...args: string[]) => runReembed(["profile", ...args], { environment });
    const flags = ["--model", "mini-m3", "--dimensions", "256", "--chunk-size", "900", "--limit", "7"];
    expect(await run("add", "short", ...flags)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("256 of 1024 dimensions"),
    });
    expect((await run("list")).stdout).toMatch(/^short +mini-m3 +256 of 1024 +8192 +900-90 +7 +0\.5 +added$/m);
    expect((await run("show", "short")).stdout).toMatch(/^model +mini-m3 at trained-1\+[0-9a-f]{10}$/m);
    expect(await run("show", "nonsense")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no profile nonsense."),
    });
    expect(await run("remove", "bge-m3")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("No profile bge-m3 was added"),
    });
    expect(await run("remove", "short")).toMatchObject({ code: 0, stdout: "Profile short is removed.\n" });
    expect((await run("list")).stdout).not.toContain("short");
  });
});
