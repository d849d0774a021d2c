"""Writes a trained encoder as Hugging Face and sentence-transformers lay a model out."""
import json
import struct

import numpy
import torch
from model import EPSILON

# Alike in all dimensions, so LayerNorm takes it away; and no row is all zeros, which has no int8 scale.
NOTHING = 2.0**-10


def export(folder, recipe, tokenizer, encoder, floor):
    """`floor`: the similarity that two texts with nothing in common get, through the last bias (see `tensors_of`)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "tokenizer.json", tokenizer.json(), indent=None)
    special = special_tokens(recipe)
    write_json(folder / "special_tokens_map.json", special)
    write_json(folder / "tokenizer_config.json", {**tokenizer_class(recipe), "model_max_length": recipe["maxTokens"], **special})
    write_json(folder / "config.json", config_of(recipe, tokenizer))
    write_safetensors(folder / "model.safetensors", tensors_of(recipe, encoder, floor))
    write_modules(folder, recipe)


def is_roberta(recipe):
    return recipe["tokenizer"] == "unigram"


def special_tokens(recipe):
    if is_roberta(recipe):
        return {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    return {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}


def tokenizer_class(recipe):
    if is_roberta(recipe):
        return {"tokenizer_class": "XLMRobertaTokenizer"}
    return {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": True}


def config_of(recipe, tokenizer):
    roberta = is_roberta(recipe)
    tokens = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2} if roberta else {"pad_token_id": 0}
    return {
        "architectures": ["XLMRobertaModel" if roberta else "BertModel"],
        "model_type": "xlm-roberta" if roberta else "bert",
        **tokens,
        "vocab_size": len(tokenizer),
        "hidden_size": recipe["hidden"],
        "num_hidden_layers": 1,
        "num_attention_heads": recipe["heads"],
        "intermediate_size": recipe["intermediate"],
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": EPSILON,
        "max_position_embeddings": positions_of(recipe),
        "position_embedding_type": "absolute",
        "type_vocab_size": 1 if roberta else 2,
        "torch_dtype": "float16",
    }


def tensors_of(recipe, encoder, floor):
    hidden = recipe["hidden"]
    ones, zeros = torch.ones(hidden), torch.zeros(hidden)
    tensors = {
        "embeddings.word_embeddings.weight": encoder.words.weight,
        "embeddings.position_embeddings.weight": torch.full((positions_of(recipe), hidden), NOTHING),
        "embeddings.token_type_embeddings.weight": torch.full((1 if is_roberta(recipe) else 2, hidden), NOTHING),
        "embeddings.LayerNorm.weight": ones,
        "embeddings.LayerNorm.bias": zeros,
    }
    layer = encoder.layer
    named = {
        "attention.self.query": layer.query,
        "attention.self.key": layer.key,
        "attention.self.value": layer.value,
        "attention.output.dense": layer.output,
        "intermediate.dense": layer.up,
        "output.dense": layer.down,
    }
    for name, linear in named.items():
        tensors[f"encoder.layer.0.{name}.weight"] = linear.weight
        tensors[f"encoder.layer.0.{name}.bias"] = linear.bias
    # A vector that LayerNorm leaves has the mean 0, so a bias alike in all dimensions is at right angles to it:
    # it moves a similarity x to (x + bias²) / (1 + bias²) and changes no order.
    lift = torch.full((hidden,), (floor / (1 - floor)) ** 0.5)
    for name, bias in (("attention.output", zeros), ("output", lift)):
        tensors[f"encoder.layer.0.{name}.LayerNorm.weight"] = ones
        tensors[f"encoder.layer.0.{name}.LayerNorm.bias"] = bias
    return tensors


def positions_of(recipe):
    """XLM-RoBERTa counts positions from 2, the one after its padding token's id."""
    return recipe["maxTokens"] + (2 if is_roberta(recipe) else 0)


def write_modules(folder, recipe):
    widened = recipe["dimensions"] != recipe["hidden"]
    kinds = ["Transformer", "Pooling", *(["Dense"] if widened else []), "Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{kind}", "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    write_json(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(
        folder / "1_Pooling/config.json",
        {
            "word_embedding_dimension": recipe["hidden"],
            "pooling_mode_cls_token": True,
            "pooling_mode_mean_tokens": False,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
    )
    if widened:
        (folder / "2_Dense").mkdir(exist_ok=True)
        write_json(
            folder / "2_Dense/config.json",
            {
                "in_features": recipe["hidden"],
                "out_features": recipe["dimensions"],
                "bias": True,
                "activation_function": "torch.nn.modules.linear.Identity",
            },
        )
        write_safetensors(folder / "2_Dense/model.safetensors", widening(recipe))


def widening(recipe):
    """Orthonormal columns: more dimensions, the same angles."""
    numbers = numpy.random.RandomState(20).standard_normal((recipe["dimensions"], recipe["hidden"]))
    columns, _ = numpy.linalg.qr(numbers)
    return {
        "linear.weight": torch.tensor(columns, dtype=torch.float32),
        "linear.bias": torch.zeros(recipe["dimensions"]),
    }


def write_safetensors(path, tensors):
    """8 bytes of header length, a JSON header, the tensors end to end: https://github.com/huggingface/safetensors"""
    header, data = {}, []
    start = 0
    for name, tensor in sorted(tensors.items()):
        content = tensor.detach().to(torch.float16).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [start, start + len(content)]}
        data.append(content)
        start += len(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def write_json(path, content, indent=1):
    separators = (",", ":") if indent is None else None
    path.write_text(json.dumps(content, ensure_ascii=False, indent=indent, separators=separators) + "\n", "utf-8")
