import { cp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeOnEachServer, folderOf } from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed } from "./run-reembed.ts";

const miniM3 = fileURLToPath(new URL("../../../models/mini-m3", import.meta.url));
const remedy = "Run `reembed model pull BAAI/bge-m3`, or copy the files there.";

/** A MODELS_DIR with files for bge-m3, which are the stand-in's and have the same shape. */
async function modelsFolder(): Promise<{ environment: Record<string, string>; folder: string }> {
  const models = await folderOf({});
  const folder = join(models, "BAAI", "bge-m3");
  await cp(miniM3, folder, { recursive: true });
  await rm(join(folder, "manifest.json"));
  await rm(join(folder, "prepared"), { recursive: true });
  return { environment: { MODELS_DIR: models, BASELINE_PROFILE: "mini-rubert" }, folder };
}

describe("reembed model", () => {
  test("list shows for every model whether its files are here, with exit code 0", async () => {
    const outcome = await runReembed(["model", "list", "--json"]);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    const here = { problem: null, remedy: null, prepared: [{ device: "cpu", dtype: "int8" }] };
    const missing = {
      prepared: [],
      problem: expect.stringContaining("are not in"),
      remedy: expect.stringContaining("model pull"),
    };
    const about = { revision: expect.any(String), folder: expect.any(String) };
    expect(jsonLines(outcome)).toEqual([
      { model: "cointegrated/rubert-tiny2", dimensions: 312, maxTokens: 512, ...about, ...missing },
      { model: "BAAI/bge-m3", dimensions: 1024, maxTokens: 8192, ...about, ...missing },
      { model: "mini-rubert", dimensions: 312, maxTokens: 512, ...about, ...here },
      { model: "mini-m3", dimensions: 1024, maxTokens: 8192, ...about, folder: miniM3, ...here },
    ]);
  });

  test("check of all models ends with exit code 1 and a remedy if files are missing", async () => {
    const { environment: given, folder } = await modelsFolder();
    const environment = { ...given, BASELINE_PROFILE: "rubert-tiny2" };
    const { code, stdout, stderr } = await runReembed(["model", "check"], { environment });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["model", "dimensions", "tokens", "prepared", "files"],
      ["cointegrated/rubert-tiny2", "312", "512", "unusable"],
      ["BAAI/bge-m3", "1024", "8192", "complete"],
      ["mini-rubert", "312", "512", "cpu int8", "complete"],
      ["mini-m3", "1024", "8192", "cpu int8", "complete"],
      [""],
      [expect.stringContaining(folder.replace("BAAI/bge-m3", "cointegrated/rubert-tiny2"))],
      [remedy.replace("BAAI/bge-m3", "cointegrated/rubert-tiny2")],
      [""],
    ]);
  });

  test("check of one model ends with exit code 0 if its files are unaltered, otherwise with 1", async () => {
    const { environment, folder } = await modelsFolder();
    const check = () => runReembed(["model", "check", "BAAI/bge-m3", "--json"], { environment });
    expect(await check()).toMatchObject({ code: 0, stderr: "" });
    await truncate(join(folder, "config.json"), 5);
    const outcome = await check();
    expect(outcome).toMatchObject({ code: 1, stderr: "" });
    const problem = expect.stringMatching(/config\.json was altered: 5 bytes instead of \d+\.$/);
    expect(jsonLines(outcome)).toMatchObject([{ model: "BAAI/bge-m3", folder, problem, remedy }]);
  });

  test("check and pull of an unknown model end with exit code 2 and where the known ones are", async () => {
    for (const command of ["check", "pull"]) {
      const { code, stdout, stderr } = await runReembed(["model", command, "nonsense"]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^error: There is no model nonsense: /);
      expect(stderr).toContain("reembed model list --catalogue");
    }
  });
});

describeOnEachServer(
  "a worker",
  (open) => {
    test("whose model's files are missing or altered ends with exit code 1, and names the file and what was expected", async () => {
      const { environment, folder } = await modelsFolder();
      const variables = { ...environment, ...addressesOf(await open()) };
      const reembed = (...args: string[]) => runReembed(args, { environment: variables });
      for (const args of [["init"], ["model", "check", "BAAI/bge-m3"]]) {
        expect(await reembed(...args)).toMatchObject({ code: 0 });
      }
      const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));

      const tokenizer = join(folder, "tokenizer.json");
      await rename(tokenizer, `${tokenizer}.away`);
      const { sizeBytes } = manifest.files["tokenizer.json"];
      expect(await reembed("worker")).toEqual({
        code: 1,
        stdout: "",
        stderr: `error: ${tokenizer} is missing; ${sizeBytes} bytes were expected.\n  ${remedy}\n`,
      });

      await rename(`${tokenizer}.away`, tokenizer);
      const weights = join(folder, "model.safetensors");
      const bytes = await readFile(weights);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      await writeFile(weights, bytes);
      const { code, stderr } = await reembed("worker");
      expect(code).toBe(1);
      expect(stderr).toMatch(`error: ${weights} was altered: sha256 `);
      expect(stderr).toMatch(`instead of ${manifest.files["model.safetensors"].sha256}.\n  ${remedy}\n`);
    });
  },
  ["PostgreSQL"],
);
