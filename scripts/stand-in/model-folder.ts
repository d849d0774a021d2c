import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Model } from "@reembed/core";

/** Replaces a model's folder by these files, by their paths, and a manifest of their sizes and sums. */
export function writeModelFolder(folder: string, model: Model, contents: Record<string, Uint8Array | object>): void {
  const files = Object.entries(contents)
    .map(([path, content]) => ({ path, bytes: content instanceof Uint8Array ? content : toJson(content) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const manifest = {
    model: model.id,
    revision: model.revision,
    files: Object.fromEntries(
      files.map(({ path, bytes }) => [path, { sha256: sha256(bytes), sizeBytes: bytes.byteLength }]),
    ),
  };
  rmSync(folder, { recursive: true, force: true });
  for (const { path, bytes } of [...files, { path: "manifest.json", bytes: toJson(manifest) }]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  const sizeBytes = files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  console.log(`${folder}: ${files.length} files, ${(sizeBytes / 1e6).toFixed(2)} MB`);
}

function toJson(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
