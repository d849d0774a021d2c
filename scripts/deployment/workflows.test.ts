import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readText, readYaml, root } from "./deployment-files.ts";

interface Step {
  uses?: string;
  run?: string;
}
interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, { uses?: string; needs?: string; permissions?: Record<string, string>; steps?: Step[] }>;
}

const read = (name: string) => readYaml<Workflow>(`.github/workflows/${name}.yml`)[0] as Workflow;
const stepsOf = (workflow: Workflow) => Object.values(workflow.jobs).flatMap(({ steps = [] }) => steps);

describe.each(["check", "release"])("the workflow %s", (name) => {
  const workflow = read(name);

  test("uses actions by commit, with their version beside it, and may only read unless a job says more", () => {
    const text = readText(`.github/workflows/${name}.yml`);
    const used = stepsOf(workflow).flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(text).toMatch(new RegExp(`uses: ${action} # v\\d+\\.\\d+\\.\\d+\\n`));
    for (const action of used) expect(action).toMatch(/@[0-9a-f]{40}$/);
    expect(workflow.permissions).toEqual({ contents: "read" });
  });

  test("runs scripts of package.json that exist, and files that exist", () => {
    const commands = stepsOf(workflow).flatMap(({ run }) => run ?? []);
    const { scripts } = JSON.parse(readText("package.json")) as { scripts: Record<string, string> };
    for (const [, script = ""] of commands.join("\n").matchAll(/npm run (\S+)/g))
      expect(scripts).toHaveProperty(script);
    for (const [file] of commands.join("\n").matchAll(/\.ci\/\S+|CHANGELOG\.md/g)) {
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });
});

test("the check is .ci/run, and a release publishes nothing before it has passed", () => {
  expect(stepsOf(read("check")).some(({ run }) => run?.endsWith(".ci/run"))).toBe(true);
  const { check, ...publishing } = read("release").jobs;
  expect(check?.uses).toBe("./.github/workflows/check.yml");
  expect(Object.values(publishing).map(({ needs }) => needs)).toEqual(["check", "check"]);
});

test("a release builds the images that the Dockerfile has", () => {
  const matrix = /target: \[(.+?)\]/.exec(readText(".github/workflows/release.yml"))?.[1]?.split(", ") ?? [];
  for (const target of matrix) expect(readText("Dockerfile")).toMatch(new RegExp(`^FROM .+ AS ${target}$`, "m"));
  expect(matrix).toHaveLength(2);
});
