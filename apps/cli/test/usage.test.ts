import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { folderOf } from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { reembed, runReembed } from "./run-reembed.ts";

describe("wrong usage ends with exit code 2, nothing on stdout and a hint", () => {
  test.for([
    { args: ["nonsense"], message: "unknown command 'nonsense'" },
    { args: ["model", "nonsense"], message: "unknown command 'nonsense'" },
    { args: ["init", "--nonsense"], message: "unknown option '--nonsense'" },
    { args: ["init", "nonsense"], message: "too many arguments for 'init'" },
    { args: ["load"], message: "missing required argument 'path'" },
    { args: ["worker", "--device", "tpu"], message: "It must be cpu, webgpu, cuda, cuda:<number> or cuda:all." },
    { args: ["worker", "--concurrency", "0"], message: "It must be a whole number from 1." },
  ])("reembed $args", async ({ args, message }) => {
    const { code, stdout, stderr } = await runReembed(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: .*\n {2}--help lists the options\.\n$/);
    expect(stderr).toContain(message);
  });

  test("reembed without a command shows the help", async () => {
    const { code, stdout, stderr } = await runReembed([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: reembed/);
  });

  test("reembed worker --profile with an unknown profile", async () => {
    const { code, stderr } = await runReembed(["worker", "--profile", "mini-m4"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: There is no profile mini-m4\.\n +Did you mean mini-m3\? `reembed profile list` lists/,
    );
  });
});

describe("--help describes, with exit code 0", () => {
  const commands = [
    ...[
      "doctor",
      "plan",
      "rehearse",
      "init",
      "load",
      "adopt",
      "rechunk",
      "estimate",
      "backfill",
      "set",
      "producer",
      "worker",
      "status",
    ],
    ...[
      "quarantine",
      "index",
      "verify",
      "evaluate",
      "report",
      "search",
      "rollout",
      "rollback",
      "expose",
      "finalize",
      "release",
      "uninstall",
      "dashboard",
      "audit",
      "token",
    ],
    ...["model", "profile", "demo"],
  ];

  test("the program, with its commands and exit codes", async () => {
    const { code, stdout, stderr } = await runReembed(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(commandsIn(stdout)).toEqual(commands);
    expect(stdout).toContain(
      "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a safety check.",
    );
  });

  test("a command and its subcommands", async () => {
    const { code, stdout, stderr } = await runReembed(["model", "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(commandsIn(stdout)).toEqual(["list", "check", "add", "pull", "prepare"]);
    const nested = await runReembed(["backfill", "start", "--help"]);
    expect(nested).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^Usage: reembed backfill start/),
    });
  });
});

describe("a wrong environment", () => {
  test("is refused with every bad variable in one message, without secrets", async () => {
    const environment = { DATABASE_URL: "mysql://user:hunter2@host/db", BATCH_SIZE: "none" };
    const { code, stdout, stderr } = await runReembed(["status", "--json"], { environment });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n")).toEqual([
      "error: The environment has 2 bad settings:",
      "  - DATABASE_URL must be an address like postgresql://user:password@host:5432/database",
      "  - BATCH_SIZE must be a whole number from 1 to 1000, not none",
      "  .env.example explains every variable.",
      "",
    ]);
  });

  test("may come from .env, which the environment overrides", async () => {
    const cwd = await folderOf({ ".env": "BATCH_SIZE=none\nTICK_SECONDS=never\n" });
    const environment = { TICK_SECONDS: "1" };
    const { code, stderr } = await runReembed(["model", "list"], { cwd, environment });
    expect(code).toBe(2);
    expect(stderr).toContain("BATCH_SIZE must be a whole number from 1 to 1000, not none");
    expect(stderr).not.toContain("TICK_SECONDS");
  });

  test("may come from a .env with a byte order mark; a .env in another encoding is refused", async () => {
    const lines = "BATCH_SIZE=none\n";
    const marked = await runReembed(["model", "list"], { cwd: await folderOf({ ".env": `\ufeff${lines}` }) });
    expect(marked).toMatchObject({ code: 2, stderr: expect.stringContaining("BATCH_SIZE must be a whole number") });
    const utf16 = await folderOf({ ".env": Buffer.from(`\ufeff${lines}`, "utf16le") });
    expect(await runReembed(["model", "list"], { cwd: utf16 })).toMatchObject({
      code: 2,
      stderr: "error: The file .env cannot be read: invalid UTF-8 at byte 1\n",
    });
  });

  test("includes a .env that cannot be read", async () => {
    const cwd = await folderOf({});
    await mkdir(join(cwd, ".env"));
    const { code, stderr } = await runReembed(["model", "list"], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: The file \.env cannot be read: [^\n]+\n$/);
  });
});

test.skipIf(process.getuid?.() !== 0)(
  "--help works for a user without a name; skipped where only root may change the user",
  async () => {
    const { code, stderr, stdout } = await runReembed(["rollout", "--help"], { uid: 54_321, cwd: "/" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: reembed rollout/);
  },
);

test("npx adds no output of its own", async () => {
  const folder = fileURLToPath(new URL("../../..", import.meta.url));
  const child = spawn("npx", ["reembed", "--help"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^Usage: reembed/);
});

test("a reader that closes stdout early causes no failure", async () => {
  const child = spawn(process.execPath, [reembed, "model", "list"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const ended = once(child, "close");
  expect(await text(child.stderr)).toBe("");
  expect(await ended).toEqual([0, null]);
});

/** The names after "Commands:" in a help text; commander adds `help` itself. */
function commandsIn(help: string): string[] {
  const list = help.slice(help.indexOf("Commands:"));
  return [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name ?? "").filter((name) => name !== "help");
}
