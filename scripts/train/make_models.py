"""Makes both models from the extracted corpus: vocabulary, training, scale of similarities, files, record."""
import json
import os
import pickle
import sys
import time
from pathlib import Path

import torch
from calibrate import floor_for
from check_queries import check
from evaluate import page_report, recall_report
from export import export
from recipes import ALPHABET, RECIPES
from train import Codec, train
from vocabulary import Unigram, WordPiece, count_words, train_pieces

SEED = 5


def main(work, output, only):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with open(work / "corpus.pickle", "rb") as file:
        corpus = pickle.load(file)
    apart = check(corpus, Path(__file__).parents[2] / "samples/handbook/queries.jsonl")
    for recipe in RECIPES:
        if only in (None, recipe["id"]):
            make(recipe, corpus, apart, work, output / recipe["id"])


def make(recipe, corpus, apart, work, folder):
    start = time.time()
    tokenizer = vocabulary(recipe, corpus)
    after_vocabulary = time.time()
    log(f"{recipe['id']}: {len(tokenizer):,} tokens in {after_vocabulary - start:.0f} s")
    encoder, curve = train(recipe, corpus, tokenizer, SEED, log)
    codec = Codec(tokenizer)
    floor, right, wrong = floor_for(recipe, encoder, codec, corpus)
    export(folder, recipe, tokenizer, encoder, floor)
    torch.save({"encoder": encoder, "tokenizer": tokenizer}, work / f"{recipe['id']}.pt")
    record = {
        "seed": SEED,
        "heldOut": {
            "package": corpus["held_out_package"],
            "pairs": len(corpus["held_out"]),
            **recall_report(encoder, codec, corpus["held_out"]),
            **page_report(encoder, codec, corpus["held_out_pages"], recipe["maxTokens"]),
        },
        "similarity": {"floor": round(floor, 3), "right": right, "wrong": wrong, "threshold": recipe["threshold"]},
        "seconds": {"vocabulary": round(after_vocabulary - start), "training": round(time.time() - after_vocabulary)},
        "curve": curve,
        "queries": apart,
        "texts": texts_by_source(corpus, recipe["languages"]),
        "packages": dict(line.split("\t") for line in (work / "versions.tsv").read_text().splitlines()),
    }
    (folder / "training.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    log(f"{recipe['id']}: {record['heldOut']}, {record['similarity']}")


def vocabulary(recipe, corpus):
    counts = count_words(weighted_texts(corpus, set(recipe["languages"])))
    if recipe["tokenizer"] == "unigram":
        return Unigram(train_pieces(counts, recipe["pieces"], ALPHABET))
    cyrillic = {word: count for word, count in counts.items() if not set(word) - set(ALPHABET[:33])}
    return WordPiece(train_pieces(cyrillic, recipe["pieces"], ALPHABET[:32]))


def weighted_texts(corpus, languages):
    """Russian three times, and the glossary often enough for its words to stay whole."""
    weight = {"ru": 3, "en": 1, "de": 1, "fr": 1, "es": 1}
    for _, texts in corpus["rows"]:
        yield from ((text, weight[lang]) for lang, text in texts.items() if lang in languages)
    pairs, groups = corpus["lexicon"]
    for _, texts in pairs[:230_000]:
        yield from ((text, 1) for lang, text in texts.items() if lang in languages)
    for _, lang, group in groups:
        if lang == "ru":
            yield " ".join(group), 3
    terms, exchanges = corpus["glossary"]
    for _, texts in terms:
        yield from ((t, 25 * weight[lang]) for lang, ts in texts.items() if lang in languages for t in ts)
    for _, exchange in exchanges:
        yield from ((t, 10 * weight[lang]) for texts in exchange for lang, t in texts.items() if lang in languages)


def texts_by_source(corpus, languages):
    """How many texts of each package, in the model's languages, could be drawn."""
    counts = {}
    pairs, groups = corpus["lexicon"]
    for source, texts in [*corpus["rows"], *pairs]:
        counts[source] = counts.get(source, 0) + sum(lang in languages for lang in texts)
    for source, lang, group in groups:
        counts[source] = counts.get(source, 0) + (len(group) if lang in languages else 0)
    terms, exchanges = corpus["glossary"]
    counts["glossary"] = sum(len(ts) for _, texts in terms for lang, ts in texts.items() if lang in languages)
    counts["glossary sentences"] = sum(lang in languages for _, exchange in exchanges for texts in exchange for lang in texts)
    return {source: count for source, count in sorted(counts.items(), key=lambda c: -c[1]) if count}


def log(line):
    print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
