import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

/**
 * A copy of the working tree in a temporary folder, in which files may be changed. It has the tracked files and the untracked
 * ones that are not ignored. Installed modules are shared with the original, except for our own packages.
 */
export class ScratchTree implements Disposable {
  readonly folder: string;

  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), "reembed-mutants-"));
    const listed = execFileSync(
      "git",
      ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
      {
        cwd: root,
        encoding: "utf8",
      },
    );
    for (const file of listed.split("\0").filter((name) => name !== "")) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      cpSync(join(root, file), join(this.folder, file));
    }
    shareModules(join(root, "node_modules"), join(this.folder, "node_modules"));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** npm links our own packages by relative paths; everything else is a folder. */
function shareModules(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === "@reembed") shareModules(source, target);
    else symlinkSync(ownLink(source) ?? source, target);
  }
}

function ownLink(path: string): string | undefined {
  try {
    const link = readlinkSync(path);
    return isAbsolute(link) ? undefined : link;
  } catch {
    // It is not a link.
    return undefined;
  }
}
