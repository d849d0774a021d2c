"""The same texts through sentence-transformers on the same GPU: a model of BGE-M3's shape with random weights, in float16.

Reads {"folder", "work", "cases": {name: {"texts", "maxTokens"}}, "batches"} from the file it is given; prints a JSON object a line.
"""

import json
import os
import shutil
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import AutoConfig, AutoModel

with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)
device = request.get("device", "cuda")
folder = request["work"]
os.makedirs(folder, exist_ok=True)
for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
    shutil.copy(os.path.join(request["folder"], name), folder)
config = AutoConfig.from_pretrained(folder)
torch.manual_seed(1)
AutoModel.from_config(config).half().save_pretrained(folder)
shutil.copy(os.path.join(request["folder"], "config.json"), folder)
kwargs = {"dtype": torch.float16 if device == "cuda" else torch.float32, "attn_implementation": "sdpa"}
transformer = Transformer(folder, max_seq_length=8192, model_kwargs=kwargs)
width = config.hidden_size
model = SentenceTransformer(modules=[transformer, Pooling(width, pooling_mode="cls"), Normalize()], device=device)
attention = getattr(transformer.auto_model.config, "_attn_implementation", "?")
print(json.dumps({"torch": torch.__version__, "attention": attention}), flush=True)


def wait():
    if device == "cuda":
        torch.cuda.synchronize()


for name, case in request["cases"].items():
    model.max_seq_length = case["maxTokens"]
    texts = case["texts"]
    for batch in request["batches"]:
        model.encode(texts[:batch], batch_size=batch)
        wait()
        started = time.perf_counter()
        model.encode(texts, batch_size=batch)
        wait()
        seconds = time.perf_counter() - started
        peak = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else 0
        print(json.dumps({"case": name, "batch": batch, "seconds": seconds, "peakMemoryMiB": peak}), flush=True)

if device == "cuda":
    # The card's matrix rate, by PyTorch.
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
    b = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
    best = 1e9
    for _ in range(10):
        wait()
        started = time.perf_counter()
        for _ in range(8):
            a @ b
        wait()
        best = min(best, (time.perf_counter() - started) / 8)
    print(json.dumps({"matrixTflops": 2 * 8192**3 / best / 1e12}), flush=True)
