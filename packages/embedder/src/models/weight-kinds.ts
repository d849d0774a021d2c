/**
 * The kinds of weights in the order in which they are preferred, each by its main file. Exporters name external data in
 * three ways, and Optimum's command line writes them next to config.json. A pickle is used only where nothing else is.
 */
export const weightKinds: readonly { main: string; files: RegExp; pickled?: true }[] = [
  { main: "onnx/model.onnx", files: /^onnx\/(model\.onnx([._]data[\w.-]*)?|Constant_[\w.-]+)$/ },
  { main: "model.safetensors", files: /^model\.safetensors$/ },
  { main: "model.safetensors.index.json", files: /^model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/ },
  { main: "model.onnx", files: /^model\.onnx([._]data[\w.-]*)?$/ },
  { main: "pytorch_model.bin", files: /^pytorch_model\.bin$/, pickled: true },
  {
    main: "pytorch_model.bin.index.json",
    files: /^pytorch_model(-\d+-of-\d+\.bin|\.bin\.index\.json)$/,
    pickled: true,
  },
];

/** What a model without weights lacks, for people. */
export const wantedWeights = "onnx/model.onnx, model.safetensors and pytorch_model.bin";
