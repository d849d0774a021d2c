import { defineConfig } from "vitest/config";

const all = "{apps,packages,scripts,bench}/**/*.test.ts";
/** They start many real processes, and kill, stop and starve them. `.ci/run` runs them, and `npm test` says that it does not. */
const slow =
  "apps/cli/test/{adoption,edits,embedding-server,faults,fleet,odd-servers,operations,shutdown,starting,stopping,supervisor}.test.ts";
/** Tests wait for conditions; these bounds only end what hangs, on a machine that is busy with others too. */
const bounds = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    // Of the run and not of a project: both share its servers.
    globalSetup: "packages/testing/src/global-setup.ts",
    maxWorkers: 2,
    projects: [
      { test: { name: "fast", include: [all], exclude: [slow], ...bounds } },
      { test: { name: "slow", include: [slow], ...bounds } },
    ],
  },
});
