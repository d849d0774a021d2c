"""Trains an encoder so that texts of one meaning lie close together and all others of the batch far away (InfoNCE)."""
import random
import time

import numpy
import torch
from evaluate import recall_report
from model import Encoder
from pairs import PairSource
from torch.nn import functional as F
from vocabulary import encode

TEMPERATURE = 0.05
LONGEST = 512


def train(recipe, corpus, tokenizer, seed, log):
    torch.manual_seed(seed)
    random.seed(seed)
    source = PairSource(corpus, recipe["languages"], recipe["shares"], seed)
    encoder = Encoder(len(tokenizer), recipe["hidden"], recipe["heads"], recipe["intermediate"])
    codec = Codec(tokenizer)
    curve = []

    def report(step, loss):
        curve.append({"step": step, "loss": round(loss, 3), **recall_report(encoder, codec, corpus["held_out"])})
        log(f"  {curve[-1]}")

    start = time.time()
    fit(encoder, source, codec, recipe["plan"], report)
    log(f"{recipe['id']}: {recipe['plan']['steps']} steps in {time.time() - start:.0f} s")
    return encoder, curve


def fit(encoder, source, codec, plan, report):
    optimizer = torch.optim.Adam(encoder.parameters(), lr=plan["rate"], betas=(0.9, 0.98))
    average = None
    for step in range(1, plan["steps"] + 1):
        for group in optimizer.param_groups:
            group["lr"] = plan["rate"] * min(1, step / 50) * max(0.02, 1 - step / plan["steps"])
        pairs = source.batch(plan["batch"])
        vectors = codec.vectors(encoder, [p[0] for p in pairs] + [p[1] for p in pairs])
        loss = contrast(vectors[: len(pairs)], vectors[len(pairs) :], pairs)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % plan["report"] == 0:
            report(step, average)


def contrast(first, second, pairs):
    """Both directions; texts of one group, and equal texts, are not held against each other."""
    same = torch.zeros(len(pairs), len(pairs), dtype=torch.bool)
    for column in range(3):
        numbers = {}
        ids = torch.tensor([numbers.setdefault(pair[column], len(numbers)) for pair in pairs])
        same |= ids[:, None] == ids
    same.fill_diagonal_(False)
    scores = (first @ second.t() / TEMPERATURE).masked_fill(same, -1e4)
    own = torch.arange(len(pairs))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.t(), own)) / 2


class Codec:
    """Texts to vectors. Short texts are split into tokens once."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.known = {}

    def ids(self, text, longest):
        if len(text) > 400:
            return encode(self.tokenizer, text, longest)
        if text not in self.known:
            self.known[text] = encode(self.tokenizer, text, longest)
        return self.known[text]

    def vectors(self, encoder, texts, longest=LONGEST):
        lists = [self.ids(text, longest) for text in texts]
        offsets = numpy.cumsum([0, *(len(ids) for ids in lists[:-1])])
        return encoder(torch.from_numpy(numpy.concatenate(lists)), torch.from_numpy(offsets))

    def embed(self, encoder, texts, longest=LONGEST):
        with torch.no_grad():
            return torch.cat([self.vectors(encoder, texts[i : i + 256], longest) for i in range(0, len(texts), 256)])
