import { type Model, ReembedError, unpinned, withSettings } from "@reembed/core";
import { filesThatMatter, revisionOf } from "./files-revision.ts";
import { exists, listFiles, type ModelManifest, modelFolder, readManifest, recordFiles } from "./model-files.ts";

/** The revision of a folder: the one that its manifest records, or a hash of the files that vectors depend on. */
export async function readFilesRevision(folder: string): Promise<string> {
  const manifest = await readManifest<Partial<ModelManifest>>(folder);
  if (typeof manifest?.revision === "string" && manifest.files !== undefined) return manifest.revision;
  return revisionOf(await recordFiles(folder, filesThatMatter(await listFiles(folder))));
}

/**
 * A model of the catalogue without a commit gets the revision of its files on this host.
 * @throws ReembedError `model_unpinned` (exit code 2) if they are not here.
 */
export async function pinModel(model: Model, modelsFolder: string): Promise<Model> {
  if (model.revision !== unpinned) return model;
  if (model.endpoint !== undefined) return withSettings(model, "served");
  const folder = modelFolder(model, modelsFolder);
  if (await exists(folder)) return withSettings(model, await readFilesRevision(folder));
  const message = `The files of ${model.id} decide its revision, and they are not in ${folder}.`;
  throw new ReembedError("model_unpinned", message, {
    exitCode: 2,
    remedy: `Run \`reembed model pull ${model.id}\` here first, or copy the files there.`,
  });
}
