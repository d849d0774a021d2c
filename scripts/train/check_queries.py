"""Refuses training data that contains a query of the sample corpus, and records in each model's record what was checked.

A query of one or two words is a dictionary word ("payday"): such texts are counted and accepted.
"""
import hashlib
import json
import pickle
import sys
from pathlib import Path

from clean import key_of

GRAM = 3


def check(corpus, path):
    if not path.exists():
        return {"sha256": None, "queries": 0, "occurring": None}
    data = path.read_bytes()
    queries = [key_of(json.loads(line)["text"]) for line in data.decode().splitlines() if line.strip()]
    found = occurring(set(queries), training_texts(corpus))
    if found:
        sys.exit("Queries of the sample corpus occur in the training data; take them out of it:\n" + "\n".join(sorted(found)))
    short = {query for query in queries if len(query.split()) < GRAM}
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "queries": len(queries),
        "occurring": 0,
        "note": f"No query occurs in the training data; {len(short)} of one or two words were not looked for.",
    }


def occurring(queries, texts):
    """Queries of three words or more that a text is, or has within it."""
    by_start = {}
    for query in queries:
        words = query.split()
        if len(words) >= GRAM:
            by_start.setdefault(tuple(words[:GRAM]), []).append(words)
    found = set()
    for text in texts:
        words = key_of(text).split()
        for start in range(len(words) - GRAM + 1):
            for query in by_start.get(tuple(words[start : start + GRAM]), ()):
                if words[start : start + len(query)] == query:
                    found.add(" ".join(query))
    return found


def training_texts(corpus):
    for _, texts in corpus["rows"]:
        yield from texts.values()
    for document in corpus["documents"]:
        for _, texts in document["rows"]:
            yield from texts.values()
    pairs, groups = corpus["lexicon"]
    for _, texts in pairs:
        yield from texts.values()
    for _, _, group in groups:
        yield from group
    terms, exchanges = corpus["glossary"]
    for _, texts in terms:
        for synonyms in texts.values():
            yield from synonyms
    for _, exchange in exchanges:
        for texts in exchange:
            yield from texts.values()


if __name__ == "__main__":
    work, queries, models = map(Path, sys.argv[1:4])
    with open(work / "corpus.pickle", "rb") as file:
        result = check(pickle.load(file), queries)
    for path in sorted(models.glob("*/training.json")):
        record = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**record, "queries": result}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(result))
