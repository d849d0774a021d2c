"""One Python side: it loads a model of BGE-M3's shape and embeds texts.

Arguments: the side, the model's folder, the number of texts per call, the number of threads. After the model is loaded and
has run, it prints the versions of its libraries. Then each line {"embed": texts} on stdin is answered with the vectors,
float32 values in base64, text after text, and each line {"tokenize": texts} with lists of ids. One line of JSON each.
"""

import base64
import json
import os
import sys
from importlib.metadata import version

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
side, source, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = str(threads)
import numpy

max_tokens = 8192


def sentence_transformers(dtype):
    """`SentenceTransformer.encode`, which sorts the texts by length before it makes batches."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    torch.set_num_threads(threads)
    kwargs = {"dtype": getattr(torch, dtype), "attn_implementation": "sdpa"}
    folder = os.path.join(source, "python", "torch")
    transformer = Transformer(folder, max_seq_length=max_tokens, model_kwargs=kwargs)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="cls")
    model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu")

    def embed(texts):
        if batch == 1:
            return numpy.concatenate([model.encode([text]) for text in texts])
        return model.encode(texts, batch_size=batch)

    def tokenize(text):
        return transformer.tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]

    return embed, tokenize, ("torch", "sentence-transformers")


def with_tokenizer(run, *packages):
    """As fastembed and the examples of these runtimes do: the tokenizers library, then batches padded to the longest text."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(os.path.join(source, "tokenizer.json"))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")

    def embed(texts):
        vectors = []
        for start in range(0, len(texts), batch):
            encoded = tokenizer.encode_batch(texts[start : start + batch])
            ids = numpy.array([text.ids for text in encoded], numpy.int64)
            mask = numpy.array([text.attention_mask for text in encoded], numpy.int64)
            first = run(ids, mask)[:, 0]
            vectors.append(first / numpy.linalg.norm(first, axis=1, keepdims=True))
        return numpy.concatenate(vectors)

    return embed, lambda text: tokenizer.encode(text).ids, packages


def onnx_runtime(*path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(os.path.join(source, *path, "model.onnx"), options, ["CPUExecutionProvider"])

    def run(ids, mask):
        return session.run(["last_hidden_state"], {"input_ids": ids, "attention_mask": mask})[0]

    return with_tokenizer(run, "onnxruntime")


def open_vino(kind):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    path = os.path.join(source, "python", kind, "model.xml")
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()

    def run(ids, mask):
        request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)
        return request.get_output_tensor(0).data

    return with_tokenizer(run, "openvino")


sides = {
    "torch-float32": lambda: sentence_transformers("float32"),
    "torch-bfloat16": lambda: sentence_transformers("bfloat16"),
    "onnx-float32": lambda: onnx_runtime("onnx"),
    "onnx-int8": lambda: onnx_runtime("python", "onnx-int8"),
    "openvino": lambda: open_vino("openvino"),
    "openvino-weights-int8": lambda: open_vino("openvino-weights-int8"),
    "openvino-int8": lambda: open_vino("openvino-int8"),
}


def answer(message):
    print(json.dumps(message), flush=True)


embed, tokenize, packages = sides[side]()
embed(["Reembed"])
answer({package: version(package) for package in packages})
for line in sys.stdin:
    request = json.loads(line)
    if "embed" in request:
        vectors = numpy.ascontiguousarray(embed(request["embed"]), numpy.float32)
        answer(base64.b64encode(vectors).decode())
    else:
        answer([tokenize(text) for text in request["tokenize"]])
