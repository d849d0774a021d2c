import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startBusyLoops } from "./stress/busy-loops.ts";
import { failuresOfSoak, failuresOfTests } from "./stress/failures.ts";
import { runLogged } from "./stress/run-logged.ts";
import { Tally } from "./stress/tally.ts";

// Runs all tests and the soak repeatedly on a busy machine, and reports what failed how often:
//   npm run stress -- [--runs 5] [--minutes 2] [--seed 1] [--no-load] [test files instead of all]
// --minutes is the duration of each soak; 0 skips it. --seed is that of the first soak; each further one adds 1.
const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const soak = join(import.meta.dirname, "../apps/cli/soak/soak.ts");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    runs: { type: "string", default: "5" },
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    load: { type: "boolean", default: true },
  },
});
const [runs, minutes, seed] = [Number(values.runs), Number(values.minutes), Number(values.seed)];
if (!(Number.isInteger(runs) && runs > 0 && Number.isInteger(seed) && minutes >= 0)) {
  throw new RangeError("--runs must be a whole number above 0, --seed a whole number, and --minutes a number from 0");
}
process.exitCode = (await stress(positionals)) ? 0 : 1;

async function stress(files: readonly string[]): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-stress-"));
  const loops = values.load ? availableParallelism() : 0;
  console.log(`${runs} runs with ${loops} busy loops; the logs of failures stay in ${folder}`);
  await using _loops = startBusyLoops(loops);
  const tally = new Tally(runs);
  for (let run = 1; run <= runs; run++) {
    await step(`run ${run} of ${runs}: tests`, async () => {
      const report = join(folder, `run-${run}-tests.json`);
      const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
      const outcome = await runLogged([vitest, "run", ...reporters, ...files], join(folder, `run-${run}-tests.log`));
      return tally.add(run, await failuresOfTests(report, outcome));
    });
    if (minutes === 0) continue;
    const soakSeed = seed + run - 1;
    await step(`run ${run} of ${runs}: soak with seed ${soakSeed}`, async () => {
      const args = [soak, "--minutes", `${minutes}`, "--seed", `${soakSeed}`];
      const outcome = await runLogged(args, join(folder, `run-${run}-soak.log`));
      return tally.add(run, failuresOfSoak(soakSeed, outcome));
    });
  }
  console.log(`\n${tally.table()}`);
  if (tally.failed) console.log(`\nThe logs are in ${folder}`);
  else await rm(folder, { recursive: true });
  return !tally.failed;
}

async function step(name: string, work: () => Promise<number>): Promise<void> {
  const startedAt = performance.now();
  const failures = await work();
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  console.log(`${name}: ${failures === 0 ? "passed" : `${failures} failed`} in ${seconds} s`);
}
