import type { Model } from "@reembed/core";
import { loadOnnxModel } from "@reembed/embedder/onnx";

// Runs the packed graph once under a profiler. Arguments: the model, texts, and tokens of each.

const { model, graph, folder } = JSON.parse(process.argv[2] ?? "") as { model: Model; graph: string; folder: string };
const [texts = 1, length = 1] = process.argv.slice(3).map(Number);
const { dimensions, pooling } = model;
const settings = { folder, graph, prepared: true, layout: "packed", device: "cuda", dimensions, pooling } as const;
const run = await loadOnnxModel(settings);
const ids = Int32Array.from({ length: texts * length }, (_, place) => 5 + ((place * 7_919) % 200_000));
await run({ id: 1, ids, lengths: new Int32Array(texts).fill(length) });
// Output of ONNX Runtime's destructors would mix with the profiler's.
process.exit(0);
