import { defineConfig } from "vitest/config";

const all = "{apps,packages,scripts,bench}/**/*.test.ts";
/**
 * What starts many real processes, kills, stops and starves them, and what embeds the whole handbook. `.ci/run` runs
 * them; `npm test` leaves them out and says so.
 */
const slow = ["apps/cli/test/!(commands|usage).test.ts", "bench/quality/meaning.test.ts"];
/** Tests wait for conditions; these bounds only end what hangs, on a machine that is busy with others too. */
const bounds = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    // Of the run and not of a project: both share its servers.
    globalSetup: "packages/testing/src/global-setup.ts",
    maxWorkers: 2,
    projects: [
      { test: { name: "fast", include: [all], exclude: slow, ...bounds } },
      { test: { name: "slow", include: slow, ...bounds } },
    ],
  },
});
