import { execFile, execFileSync } from "node:child_process";
import { chownSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Account } from "./native-binaries.ts";

const run = promisify(execFile);

/** A small file system that can be filled completely. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Fills it to the last byte. */
  fill(): void;
  /** Removes only what `fill` has written. */
  free(): void;
}

/** Why no small disk can be mounted here; undefined if it can. */
export function smallDiskUnavailable(): string | undefined {
  const probe = mkdtempSync(join(tmpdir(), "reembed-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "reembed", probe], { stdio: "ignore" });
    execFileSync("umount", [probe], { stdio: "ignore" });
    return undefined;
  } catch {
    return "only root may mount a small disk, and in a container not always";
  } finally {
    rmdirSync(probe);
  }
}

/** Mounts a small disk, owned by the account if one is given. The caller must first stop all processes that use it. */
export async function mountSmallDisk(sizeMb: number, account?: Account): Promise<SmallDisk> {
  const path = mkdtempSync(join(tmpdir(), "reembed-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMb}m`, "reembed", path]);
  if (account !== undefined) chownSync(path, account.uid, account.gid);
  const ballast = join(path, "ballast");
  return {
    path,
    fill() {
      const file = openSync(ballast, "a");
      const block = Buffer.alloc(statfsSync(path).bsize);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      // A lazy unmount: processes with open files keep them, and others do not see the file system any more.
      await run("umount", ["--lazy", path]);
      rmdirSync(path);
    },
  };
}
