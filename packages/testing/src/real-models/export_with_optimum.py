"""Exports the encoders that export_with_torch.py made with Optimum, and has ONNX Runtime's optimizer fuse its exports:
export_with_optimum.py FOLDER"""

import os
import sys

from onnxruntime.transformers import optimizer
from optimum.exporters.onnx import main_export

out = sys.argv[1]
for name in ["bert", "distilbert", "mpnet", "roberta", "xlm-roberta"]:
    # Optimum's command line writes model.onnx beside config.json.
    to = os.path.join(out, f"{name}-optimum")
    main_export(os.path.join(out, name), to, task="feature-extraction", do_validation=False)
    fused = optimizer.optimize_model(os.path.join(to, "model.onnx"), "bert", num_heads=2, hidden_size=16, opt_level=0)
    folder = os.path.join(out, f"{name}-optimizer", "onnx")
    os.makedirs(folder, exist_ok=True)
    fused.save_model_to_file(os.path.join(folder, "model.onnx"))
