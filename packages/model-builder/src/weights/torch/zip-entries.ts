import { join } from "node:path";
import yauzl from "yauzl";
import { damaged } from "../weight-file.ts";

export interface ZipEntry {
  readonly positionBytes: number;
  readonly sizeBytes: number;
}

/**
 * Where a zip file has its entries, by their paths below the one folder that torch.save puts all of them into. Nothing is
 * unpacked: torch.save stores entries as they are.
 * @throws ReembedError `weights_damaged`.
 */
export async function listZipEntries(folder: string, path: string): Promise<Map<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>();
  try {
    const zip = await yauzl.openPromise(join(folder, path), { lazyEntries: true, autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.compressionMethod !== 0 || entry.isEncrypted()) continue;
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
        const below = entry.fileName.slice(entry.fileName.indexOf("/") + 1);
        entries.set(below, { positionBytes: fileDataStart, sizeBytes: entry.uncompressedSize });
      }
    } finally {
      zip.close();
    }
  } catch (cause) {
    throw damaged(path, "is not a whole zip file", cause);
  }
  return entries;
}
