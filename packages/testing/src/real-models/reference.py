"""What sentence-transformers makes of texts: python reference.py MODEL_FOLDER PROMPTS < texts by role > answers.json"""

import json
import logging
import sys

from sentence_transformers import SentenceTransformer

logging.disable(logging.WARNING)
folder, prompts = sys.argv[1], json.loads(sys.argv[2])
texts_of = json.load(sys.stdin)
model = SentenceTransformer(folder, device="cpu", prompts=prompts)
answers = {}
for role, texts in texts_of.items():
    vectors = model.encode(texts, prompt_name=role, normalize_embeddings=True, batch_size=16, show_progress_bar=False)
    prompted = [prompts[role] + text for text in texts]
    ids = model.tokenizer(prompted, truncation=True, max_length=model.max_seq_length)["input_ids"]
    answers[role] = {"vectors": vectors.tolist(), "ids": ids}
json.dump(answers, sys.stdout)
