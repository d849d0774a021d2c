"""Makes small encoders with random weights, and exports them with both exporters of PyTorch: export_with_torch.py FOLDER

Each is in a folder of its name, as safetensors, and each export in one that adds the exporter's name."""

import os
import sys

import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

out = sys.argv[1]
torch.manual_seed(7)
common = {"vocab_size": 50, "max_position_embeddings": 40, "pad_token_id": 1}
sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
encoders = {
    "bert": BertModel(BertConfig(**common, **sizes)),
    "distilbert": DistilBertModel(DistilBertConfig(**common, dim=16, n_layers=2, n_heads=2, hidden_dim=24)),
    "mpnet": MPNetModel(MPNetConfig(**common, **sizes)),
    "roberta": RobertaModel(RobertaConfig(**common, **sizes)),
    "xlm-roberta": XLMRobertaModel(XLMRobertaConfig(**common, **sizes)),
}


class Encoder(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, input_ids, attention_mask):
        return self.inner(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def export(name, encoder):
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    given = (ids, torch.ones_like(ids))
    names = {"input_names": ["input_ids", "attention_mask"], "output_names": ["last_hidden_state"]}
    axes = {value: {0: "texts", 1: "length"} for values in names.values() for value in values}
    path = place(f"{name}-legacy")
    torch.onnx.export(encoder, given, path, dynamo=False, opset_version=17, dynamic_axes=axes, **names)
    dims = {0: torch.export.Dim("texts"), 1: torch.export.Dim("length", max=38)}
    shapes = {"input_ids": dims, "attention_mask": dims}
    path = place(f"{name}-dynamo")
    torch.onnx.export(encoder, given, path, dynamo=True, dynamic_shapes=shapes, external_data=False, **names)


def place(name):
    folder = os.path.join(out, name, "onnx")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, "model.onnx")


for name, encoder in encoders.items():
    encoder.eval()
    # Initial biases are all zero. Exporters store equal tensors once, which trained encoders do not have.
    for parameter in encoder.parameters():
        parameter.data.copy_(torch.randn_like(parameter) * 0.3)
    encoder.save_pretrained(os.path.join(out, name))
    export(name, Encoder(encoder))
