import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { ReembedError } from "@reembed/core";

/** The owner of a folder, as other processes see it. */
export interface Owner {
  /** The process that opened the database, not its child: this is the process to stop. */
  pid: number;
  /** Absent until the database listens. */
  connectionString?: string;
}

const sqliteBusy = 5;

/**
 * The exclusive right to a folder, until it is disposed of or its process ends in any way. It is a kernel lock, taken
 * through SQLite because Node has no file locks. So there are no stale locks to recognise, no reused pids, no owner in
 * another container that looks dead, and no race between two processes that find the same leftover.
 */
export class FolderLock implements Disposable {
  readonly #folder: string;
  readonly #lock: DatabaseSync;

  /** Returns undefined if another process has the lock. */
  static take(folder: string): FolderLock | undefined {
    const lock = new DatabaseSync(join(folder, "database.lock"));
    try {
      lock.exec("BEGIN EXCLUSIVE");
      return new FolderLock(folder, lock);
    } catch (error) {
      lock.close();
      if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
      throw error;
    }
  }

  private constructor(folder: string, lock: DatabaseSync) {
    this.#folder = folder;
    this.#lock = lock;
  }

  name(owner: Owner): void {
    writeFileSync(ownerFile(this.#folder), JSON.stringify(owner));
  }

  /** After this, other processes wait for the folder instead of being refused. */
  unname(): void {
    rmSync(ownerFile(this.#folder), { force: true });
  }

  [Symbol.dispose](): void {
    this.unname();
    this.#lock.close();
  }
}

/**
 * Takes the lock and records the owner. If the previous owner has died, waits for its database to close, which happens
 * after the running statement: two databases on one folder would destroy rows.
 * @throws ReembedError `embedded_locked` if the owner is alive, or its database is still open after `patienceMs`.
 */
export async function lockFolder(
  folder: string,
  { owner, patienceMs = 10_000, signal }: { owner: Owner; patienceMs?: number; signal?: AbortSignal },
): Promise<FolderLock> {
  const deadline = performance.now() + patienceMs;
  while (true) {
    const lock = FolderLock.take(folder);
    if (lock !== undefined) {
      lock.name(owner);
      return lock;
    }
    const present = readOwner(folder);
    if ((present !== undefined && isAlive(present.pid)) || performance.now() >= deadline) throw locked(folder, present);
    await delay(50, undefined, { signal });
  }
}

function ownerFile(folder: string): string {
  return join(folder, "database.json");
}

/** Undefined while the owner opens or closes the folder: the file does not exist then or is incomplete. */
function readOwner(folder: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(ownerFile(folder), "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function locked(folder: string, owner: Owner | undefined): ReembedError {
  const who = owner === undefined ? "another process" : `process ${owner.pid}`;
  const share = owner?.connectionString && `, or share its database: DATABASE_URL=${owner.connectionString}`;
  return new ReembedError("embedded_locked", `The embedded database in ${folder} is in use by ${who}.`, {
    remedy: `Stop that process${share ?? ""}`,
    exitCode: 3,
  });
}
