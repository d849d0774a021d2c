import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import type { Mutant } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { ScratchTree } from "./scratch-tree.ts";

// Puts one mutant after another into a copy of the code, runs what must notice it, and prints what noticed what.
// --only selects mutants by words in their name, file or witness. --no-baseline skips the first run, which checks that
// everything passes without a mutant.
const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    baseline: { type: "boolean", default: true },
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "600" },
  },
  allowNegative: true,
});
const { only, baseline, seed, runs } = values;

const root = join(import.meta.dirname, "../..");
/** Only ends runs that hang; a failure is noticed long before. */
const limitMs = 600_000;
const treesAtMost = 2;

type ChosenMutant = Required<Mutant> & { file: string };

interface Finding {
  noticed: boolean;
  seconds: number;
  /** The first line of the failure. */
  sentence: string;
}

const chosen = Object.entries(mutants)
  .flatMap(([file, ofFile]) => ofFile.map((mutant) => ({ file, noticedBy: "the simulation", ...mutant })))
  .filter(({ name, file, noticedBy }) => `${name} ${file} ${noticedBy}`.includes(only));
const missing = chosen.filter(({ file, text }) => readFileSync(join(root, file), "utf8").split(text).length !== 2);
for (const { name, file } of missing)
  console.error(`${name}: its text must occur exactly once in ${file}, but does not.`);

// Everything must pass without a mutant, otherwise a failure means nothing.
const witnesses = baseline ? [...new Set(chosen.map(({ noticedBy }) => noticedBy))] : [];
let survivors = missing.length;
await eachInATree(witnesses, async (tree, noticedBy) => {
  const { noticed, sentence } = await run(tree, noticedBy);
  if (!noticed) return;
  survivors++;
  console.error(`${noticedBy} fails without a mutant: ${sentence}`);
});
if (survivors === 0) {
  await eachInATree(chosen, async (tree, mutant) => {
    const finding = await runMutant(tree, mutant);
    if (!finding.noticed) survivors++;
    const verdict = finding.noticed ? "noticed" : "SURVIVED";
    const columns = [verdict, `${finding.seconds} s`.padStart(6), mutant.name, mutant.noticedBy, finding.sentence];
    console.log(`| ${columns.join(" | ")} |`);
  });
  console.log(`${chosen.length} mutants, ${survivors} not noticed`);
}
process.exitCode = survivors === 0 ? 0 : 1;

async function eachInATree<T>(items: readonly T[], work: (tree: ScratchTree, item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lanes = Array.from({ length: Math.min(treesAtMost, items.length) }, async () => {
    using tree = new ScratchTree(root);
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(tree, item);
  });
  await Promise.all(lanes);
}

async function runMutant(tree: ScratchTree, { file, text, replacement, noticedBy }: ChosenMutant): Promise<Finding> {
  const path = join(tree.folder, file);
  const code = readFileSync(path, "utf8");
  // A function, because `$` has a meaning in a replacement that is a string.
  writeFileSync(
    path,
    code.replace(text, () => replacement),
  );
  try {
    return await run(tree, noticedBy);
  } finally {
    writeFileSync(path, code);
  }
}

async function run({ folder }: ScratchTree, noticedBy: string): Promise<Finding> {
  const startedAt = performance.now();
  const command =
    noticedBy === "the simulation"
      ? ["apps/cli/simulation/simulate.ts", "--runs", runs, "--seed", seed, "--threads", "1", "--no-shrink"]
      : ["node_modules/vitest/vitest.mjs", "run", noticedBy, "--bail", "1", "--reporter", "dot"];
  const result = await promisify(execFile)(process.execPath, command, {
    cwd: folder,
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: "1" },
  }).then(
    () => undefined,
    (error: { killed: boolean; stderr: string; stdout: string }) => error,
  );
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  if (result === undefined) return { noticed: false, seconds, sentence: "" };
  const lines = `${result.stderr}\n${result.stdout}`.split("\n");
  const sentence = lines.find((line) => /^\s*(\w*Error\b|→|FAIL)/.test(line)) ?? "";
  if (result.killed) return { noticed: false, seconds, sentence: "did not end" };
  return { noticed: true, seconds, sentence: sentence.trim().slice(0, 140) };
}
