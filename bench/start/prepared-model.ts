import { cp, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Model, models } from "@reembed/core";
import { tryEmbedding } from "@reembed/embedder";
import { builderVersion, encodeVector, manifestName, preparedFolder, recordFiles } from "@reembed/embedder/models";
import { openOnnxEmbedder } from "@reembed/embedder/onnx";
import { openRandomModel } from "../embed/random-model.ts";

/** The files of a prepared graph. */
const graphFiles = ["model.onnx", "model.onnx.data"];
const besideIt = ["config.json", "tokenizer.json"];
const golden = "What was stored is found again.";

/**
 * A folder of models in which BGE-M3 has an int8 graph with random weights, prepared for a CPU, and a tokenizer with as many
 * pieces as its own: both take as long to load as the real ones.
 */
export async function writePreparedModel(): Promise<string> {
  const model = models.get("BAAI/bge-m3");
  if (model === undefined) throw new TypeError("There is no model BAAI/bge-m3");
  const random = await openRandomModel({ layers: 24, graphs: ["int8"] });
  const modelsFolder = join(random.folder, "start");
  const folder = join(modelsFolder, model.id);
  const own = preparedFolder(folder, "cpu");
  await rm(modelsFolder, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  for (const file of graphFiles) await link(join(random.folder, "int8", file), join(own, file));
  await cp(join(random.folder, "config.json"), join(folder, "config.json"));
  const tokenizer = await readFile(join(random.folder, "tokenizer.json"), "utf8");
  await writeFile(join(folder, "tokenizer.json"), withPieces(tokenizer, random.shape.vocabulary));
  await writeFile(join(own, manifestName), JSON.stringify(await describe(model, folder, own), null, 2));
  return modelsFolder;
}

async function describe(model: Model, folder: string, own: string): Promise<object> {
  const graph = join(own, "model.onnx");
  await using embedder = openOnnxEmbedder({ model, folder, graph, prepared: true, device: "cpu" });
  const outcome = await tryEmbedding(embedder, golden);
  if ("rejected" in outcome) throw new Error(outcome.detail);
  return {
    model: model.id,
    revision: model.revision,
    builder: builderVersion,
    dtype: "int8",
    dimensions: model.dimensions,
    smoothed: false,
    leastCosine: 1,
    sources: await recordFiles(folder, besideIt),
    files: await recordFiles(own, graphFiles),
    golden: { text: golden, vector: encodeVector(outcome.vector) },
  };
}

/** Adds pieces that occur in no text. */
function withPieces(tokenizer: string, pieces: number): string {
  const parsed = JSON.parse(tokenizer) as { model: { vocab: [piece: string, score: number][] } };
  const { vocab } = parsed.model;
  for (let number = 0; vocab.length < pieces; number++) vocab.push([`\u2581${(number * 7_919).toString(36)}q`, -20]);
  return JSON.stringify(parsed, null, 2);
}
