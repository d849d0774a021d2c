import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{apps,packages,scripts,bench}/**/*.test.ts"],
    globalSetup: "packages/testing/src/global-setup.ts",
    // Tests wait for conditions; these bounds only end what hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
