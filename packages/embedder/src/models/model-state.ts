import { type Model, messageOf, ReembedError } from "@reembed/core";
import { modelFolder, verifyModelFiles } from "./model-files.ts";
import { listPrepared, verifyPrepared } from "./prepared-graph.ts";

/** The state of a model's files on this host. */
export interface ModelState {
  model: string;
  revision: string;
  dimensions: number;
  maxTokens: number;
  folder: string;
  /** The devices that it is prepared for. */
  prepared: { device: string; dtype: string }[];
  /** Null if every file exists and is unaltered. */
  problem: string | null;
  remedy: string | null;
}

/** Checks every file of a model against its hash, at about one second per gigabyte. */
export async function inspectModel(config: { models: { folder: string } }, model: Model): Promise<ModelState> {
  const { id, revision, dimensions, maxTokens } = model;
  const folder = modelFolder(model, config.models.folder);
  const about = { model: id, revision, dimensions, maxTokens, folder, problem: null, remedy: null };
  const state: ModelState = { ...about, prepared: [] };
  try {
    const prepared = await listPrepared(folder);
    state.prepared = prepared;
    await verifyModelFiles(model, config.models.folder);
    for (const { device } of prepared) await verifyPrepared(model, folder, device);
    return state;
  } catch (error) {
    const remedy = error instanceof ReembedError ? (error.remedy ?? null) : null;
    return { ...state, problem: messageOf(error), remedy };
  }
}
