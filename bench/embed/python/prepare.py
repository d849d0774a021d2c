"""Makes what the Python sides load, once, of the exported float32 graph, so that all of them have its weights.

Arguments: the side and the model's folder. Everything is written to `python` in that folder.
"""

import json
import os
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import numpy

calibration_ids = [[0, *((5 + 7919 * (place + 31 * text)) % 200_000 for place in range(126)), 2] for text in range(8)]


def export_torch(source, target):
    """The layout of Hugging Face: linear layers are stored as [outputs, inputs]."""
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import save_file

    graph_folder = os.path.join(source, "onnx")
    weights = {}
    for tensor in onnx.load(os.path.join(graph_folder, "model.onnx"), load_external_data=False).graph.initializer:
        if not tensor.name.endswith((".weight", ".bias")):
            continue
        values = numpy_helper.to_array(tensor, graph_folder)
        linear = values.ndim == 2 and not tensor.name.startswith("embeddings.")
        weights[tensor.name] = numpy.ascontiguousarray(values.T if linear else values)
    save_file(weights, os.path.join(target, "model.safetensors"), {"format": "pt"})
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(os.path.join(source, name), target)
    with open(os.path.join(source, "tokenizer_config.json")) as file:
        tokenizer = json.load(file)
    # The class of XLM-RoBERTa ignores what tokenizer.json says about splitting text.
    with open(os.path.join(target, "tokenizer_config.json"), "w") as file:
        json.dump({**tokenizer, "tokenizer_class": "PreTrainedTokenizerFast"}, file)


def export_onnx_int8(source, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        os.path.join(source, "onnx", "model.onnx"),
        os.path.join(target, "model.onnx"),
        weight_type=QuantType.QInt8,
        use_external_data_format=True,
    )


def export_openvino(source, target):
    """As Optimum does: of the PyTorch model, with the weights in float16. OpenVINO computes in bfloat16 on CPUs with AMX."""
    import openvino
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(os.path.join(source, "python", "torch"), add_pooling_layer=False).eval()
    example = {
        "input_ids": torch.tensor(calibration_ids[:2]),
        "attention_mask": torch.ones(2, len(calibration_ids[0]), dtype=torch.int64),
    }
    openvino.save_model(openvino.convert_model(model, example_input=example), os.path.join(target, "model.xml"))


def export_openvino_weights_int8(source, target):
    import nncf
    import openvino

    openvino.save_model(nncf.compress_weights(read_openvino(source)), os.path.join(target, "model.xml"))


def export_openvino_int8(source, target):
    """Weights and values in int8, calibrated, as sentence-transformers' `export_static_quantized_openvino_model` does."""
    import nncf
    import openvino

    def inputs(ids):
        return {"input_ids": numpy.array([ids]), "attention_mask": numpy.ones((1, len(ids)), numpy.int64)}

    quantized = nncf.quantize(
        read_openvino(source),
        nncf.Dataset(calibration_ids, inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(calibration_ids),
    )
    openvino.save_model(quantized, os.path.join(target, "model.xml"))


def read_openvino(source):
    import openvino

    return openvino.Core().read_model(os.path.join(source, "python", "openvino", "model.xml"))


exports = {
    "torch": export_torch,
    "onnx-int8": export_onnx_int8,
    "openvino": export_openvino,
    "openvino-weights-int8": export_openvino_weights_int8,
    "openvino-int8": export_openvino_int8,
}

if __name__ == "__main__":
    kind, source = sys.argv[1:]
    target = os.path.join(source, "python", kind)
    if not os.path.exists(target):
        workshop = target + ".partial"
        shutil.rmtree(workshop, ignore_errors=True)
        os.makedirs(workshop)
        exports[kind](source, workshop)
        os.rename(workshop, target)
