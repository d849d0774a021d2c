import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@reembed/core";

export interface FoundFile {
  path: string;
  /** Path relative to the folder, with forward slashes. */
  uri: string;
  sizeBytes: number;
  /** Why it cannot be read, if the file system reports that already. */
  unreadable?: string;
}

const textFile = /\.(txt|md)$/i;

/**
 * The .txt and .md files of a folder, sorted by uri in code units, so that the order is the same on every machine. Only
 * one folder's names are in memory at a time. Follows symbolic links, but not to a folder that contains them.
 */
export function walkFolder(folder: string): AsyncGenerator<FoundFile> {
  return walk(folder, "", []);
}

async function* walk(folder: string, prefix: string, above: readonly string[]): AsyncGenerator<FoundFile> {
  let names: string[];
  let resolved: string;
  try {
    resolved = await realpath(folder);
    if (above.includes(resolved)) return;
    names = await listFolder(folder);
  } catch (error) {
    yield { path: folder, uri: prefix || ".", sizeBytes: 0, unreadable: messageOf(error) };
    return;
  }
  for (const name of names) {
    const path = join(folder, name);
    if (name.endsWith("/")) yield* walk(path, prefix + name, [...above, resolved]);
    else yield await inspectFile(path, prefix + name);
  }
}

/** Sorted with a slash after the names of folders: a depth-first walk then meets paths in sorted order. */
async function listFolder(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(join(folder, entry.name))))) {
      names.push(`${entry.name}/`);
    } else if (textFile.test(entry.name)) names.push(entry.name);
  }
  return names.sort();
}

async function leadsToFolder(link: string): Promise<boolean> {
  try {
    return (await stat(link)).isDirectory();
  } catch {
    return false;
  }
}

async function inspectFile(path: string, uri: string): Promise<FoundFile> {
  try {
    const found = await stat(path);
    // Reading a pipe would wait for a writer for ever.
    if (!found.isFile()) return { path, uri, sizeBytes: 0, unreadable: "it is not a regular file" };
    return { path, uri, sizeBytes: found.size };
  } catch (error) {
    return { path, uri, sizeBytes: 0, unreadable: messageOf(error) };
  }
}
