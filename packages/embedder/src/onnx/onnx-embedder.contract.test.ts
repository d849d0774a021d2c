import { type Model, models } from "@reembed/core";
import { HashingEmbedder } from "@reembed/testing";
import { describeEmbedder } from "@reembed/testing/embedders";
import { startOnnxEmbedder } from "./onnx-embedder.ts";

const [miniRubert, miniM3] = ["mini-rubert", "mini-m3"].map((id) => models.get(id) as Model) as [Model, Model];
const settings = { modelsFolder: "unused", device: "cpu", tokenBudget: 512 };

describeEmbedder("the ONNX embedder of mini-rubert", (change) =>
  startOnnxEmbedder({ model: { ...miniRubert, ...change }, ...settings }),
);
describeEmbedder("the ONNX embedder of mini-m3", (change) =>
  startOnnxEmbedder({ model: { ...miniM3, ...change }, ...settings }),
);
describeEmbedder(
  "the hashing double",
  async (change) => new HashingEmbedder({ model: { ...miniM3, ...change }, microBatchSize: 3 }),
);
