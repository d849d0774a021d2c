import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockFolder } from "./folder-lock.ts";

const prefix = join(tmpdir(), "reembed-lock-");
const connectionString = "postgresql://postgres@127.0.0.1:41234/postgres";

test("a locked folder is refused at once, with the owner's pid and how to share its database", async () => {
  using folder = mkdtempDisposableSync(prefix);
  using lock = await lockFolder(folder.path, { owner: { pid: process.pid } });
  lock.name({ pid: process.pid, connectionString });
  await expect(lockFolder(folder.path, { owner: { pid: process.pid } })).rejects.toMatchObject({
    code: "embedded_locked",
    exitCode: 3,
    message: `The embedded database in ${folder.path} is in use by process ${process.pid}.`,
    remedy: `Stop that process, or share its database: DATABASE_URL=${connectionString}`,
  });
});

test("if the owner of a folder has died, the lock waits until its database is closed", async () => {
  using folder = mkdtempDisposableSync(prefix);
  const left = await lockFolder(folder.path, { owner: { pid: await pidOfTheDead() } });
  const waiting = lockFolder(folder.path, { owner: { pid: process.pid } });
  left[Symbol.dispose]();
  using lock = await waiting;
  expect(lock).toBeDefined();
});

test("if the owner of a folder has died and its database stays open, the folder is refused", async () => {
  using folder = mkdtempDisposableSync(prefix);
  const pid = await pidOfTheDead();
  using _left = await lockFolder(folder.path, { owner: { pid } });
  await expect(lockFolder(folder.path, { owner: { pid: process.pid }, patienceMs: 60 })).rejects.toMatchObject({
    code: "embedded_locked",
    message: `The embedded database in ${folder.path} is in use by process ${pid}.`,
  });
});

test("if a folder is being closed, the lock waits for it", async () => {
  using folder = mkdtempDisposableSync(prefix);
  const closing = await lockFolder(folder.path, { owner: { pid: process.pid } });
  closing.unname();
  const waiting = lockFolder(folder.path, { owner: { pid: process.pid } });
  closing[Symbol.dispose]();
  using lock = await waiting;
  expect(lock).toBeDefined();
});

test("waiting for a folder ends when it is aborted", async () => {
  using folder = mkdtempDisposableSync(prefix);
  using _left = await lockFolder(folder.path, { owner: { pid: await pidOfTheDead() } });
  const parent = new AbortController();
  const waiting = lockFolder(folder.path, { owner: { pid: process.pid }, signal: parent.signal });
  parent.abort();
  await expect(waiting).rejects.toThrow("aborted");
});

async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ["--eval", ""]);
  await once(child, "exit");
  return child.pid ?? 0;
}
