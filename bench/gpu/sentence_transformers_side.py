"""sentence-transformers on the same GPU: a model of BGE-M3's shape with random weights, in float16.

Arguments: the folder with configuration and tokenizer, an empty folder for the model, the device. Describes itself in one
line of JSON. Then each line {"texts", "maxTokens", "batch"} on stdin is answered with one of {"seconds", "peakMemoryMiB"}.
"""

import json
import os
import shutil
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import AutoConfig, AutoModel

source, folder, device = sys.argv[1:]
for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
    shutil.copy(os.path.join(source, name), folder)
config = AutoConfig.from_pretrained(folder)
torch.manual_seed(1)
AutoModel.from_config(config).half().save_pretrained(folder)
shutil.copy(os.path.join(source, "config.json"), folder)
on_gpu = device == "cuda"
kwargs = {"dtype": torch.float16 if on_gpu else torch.float32, "attn_implementation": "sdpa"}
transformer = Transformer(folder, max_seq_length=8192, model_kwargs=kwargs)
pooling = Pooling(config.hidden_size, pooling_mode="cls")
model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device=device)


def wait():
    if on_gpu:
        torch.cuda.synchronize()


def matrix_tflops(size=8192, least_seconds=3):
    """The GPU's rate for products of random matrices, without pause."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.float16) for _ in range(2))
    products = 0
    wait()
    started = time.perf_counter()
    while time.perf_counter() - started < least_seconds:
        for _ in range(8):
            a @ b
        products += 8
        wait()
    return 2 * size**3 * products / (time.perf_counter() - started) / 1e12


about = {
    "torch": torch.__version__,
    "sentenceTransformers": sentence_transformers.__version__,
    "attention": transformer.auto_model.config._attn_implementation,
}
if on_gpu:
    about["matrixTflops"] = matrix_tflops()
print(json.dumps(about), flush=True)

for line in sys.stdin:
    request = json.loads(line)
    model.max_seq_length = request["maxTokens"]
    texts, batch = request["texts"], request["batch"]
    model.encode(texts[:batch], batch_size=batch)
    wait()
    started = time.perf_counter()
    model.encode(texts, batch_size=batch)
    wait()
    seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else 0
    print(json.dumps({"seconds": seconds, "peakMemoryMiB": peak}), flush=True)
