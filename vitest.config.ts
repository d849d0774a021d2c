import { defineConfig } from "vitest/config";

const all = "{apps,packages,scripts,bench}/**/*.test.ts";
/**
 * Suites that start, kill and stop many real processes, or take their servers away, and suites that embed the whole
 * handbook or thousands of sentences. `.ci/run` runs them; `npm test` leaves them out and says so.
 */
const slow = [
  "apps/cli/test/*.test.ts",
  "apps/worker/src/{embed-isolating,long-job,swallowed-connection}.test.ts",
  "packages/embedded/src/embedded-database.test.ts",
  "packages/embedder/src/onnx/inference-process.test.ts",
  "packages/queue/src/outages.test.ts",
  "packages/testing/src/servers/native-servers.test.ts",
  "bench/quality/meaning.test.ts",
  "scripts/train/held-out.test.ts",
];
const shared = {
  // Tests wait for conditions. These limits only end tests that hang, also on a busy machine.
  ...{ testTimeout: 600_000, hookTimeout: 600_000 },
  // The files of a worker share its process: loading the same modules for each took a quarter of the time. A test puts back
  // what it changes of the process, as Vitest does with spies, and mocks no module: another file may have loaded it already.
  ...{ isolate: false, restoreMocks: true },
};

export default defineConfig({
  test: {
    // A setting of the run and not of a project, because both projects share the run's servers.
    globalSetup: "packages/testing/src/global-setup.ts",
    maxWorkers: 2,
    projects: [
      { test: { name: "fast", include: [all], exclude: slow, ...shared } },
      { test: { name: "slow", include: slow, ...shared } },
    ],
  },
});
