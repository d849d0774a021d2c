import { execFile, execFileSync } from "node:child_process";
import { chownSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Account } from "./native-binaries.ts";

const run = promisify(execFile);

/** A file system of its own that is soon full. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Leaves not a byte. */
  fill(): void;
  /** Takes away what `fill` has written, and nothing else. */
  free(): void;
}

/** Why there can be no small disk here; undefined when there can. */
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

/** Mounts one, for an account if it is given. The caller stops whoever works on it first. */
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
      // Whoever still has a file open on it keeps it, and nobody else sees it.
      await run("umount", ["--lazy", path]);
      rmdirSync(path);
    },
  };
}
