import { existsSync, mkdtempDisposableSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { markComplete, prepareDataFolder } from "./data-folder.ts";

const prefix = join(tmpdir(), "reembed-data-");

test("a database whose creation was interrupted is created again", () => {
  using folder = mkdtempDisposableSync(prefix);
  const half = join(prepareDataFolder(folder.path), "PG_VERSION");
  writeFileSync(half, "18");
  expect(prepareDataFolder(folder.path)).toBe(join(folder.path, "data"));
  expect(existsSync(half)).toBe(false);
});

test("a database that was opened once is never created again", () => {
  using folder = mkdtempDisposableSync(prefix);
  const kept = join(prepareDataFolder(folder.path), "PG_VERSION");
  writeFileSync(kept, "18");
  markComplete(folder.path);
  prepareDataFolder(folder.path);
  expect(existsSync(kept)).toBe(true);
});

// Windows has no such file modes.
test.skipIf(process.platform === "win32")("only the user may read the data", () => {
  using folder = mkdtempDisposableSync(prefix);
  expect(statSync(prepareDataFolder(folder.path)).mode & 0o777).toBe(0o700);
});
