"""Reads the unpacked packages and the glossary into three lists: rows, documents and word groups.

A row is one text in several languages; a document is a sequence of rows; a word group holds synonyms by language.
"""
import pickle
import random
import re
import sys
import time
from pathlib import Path

from catalogues import catalogue_rows
from clean import clean, is_natural, key_of
from dictionaries import ding_pairs, freedict_pairs, mueller_pairs, thesaurus_groups
from documents import read_descriptions, read_documents

HELD_OUT_PACKAGE = "evolution-common"
HERE = Path(__file__).parent


def extract(work):
    unpacked = work / "unpacked"
    packages = sorted(p.name for p in unpacked.iterdir())
    pages = list(read_documents(unpacked, [HELD_OUT_PACKAGE], places=[]))
    held_out = held_out_rows(pages)
    excluded = {key_of(text) for page in pages for _, row in page["rows"] for text in row.values()}
    training = [name for name in packages if name != HELD_OUT_PACKAGE]
    documents = list(read_documents(unpacked, training)) + list(read_descriptions(work / "lists"))
    rows = distinct_rows(messages(unpacked, training), documents, excluded)
    return {
        "rows": rows,
        "documents": without_boilerplate(documents),
        "lexicon": lexicon(unpacked),
        "held_out_package": HELD_OUT_PACKAGE,
        "held_out": held_out,
        "held_out_pages": held_out_pages(pages),
        "glossary": read_glossary(HERE / "glossary"),
    }


def messages(unpacked, packages):
    for package in packages:
        for row in catalogue_rows(unpacked / package):
            texts = {lang: clean(text) for lang, text in row.items()}
            texts = {lang: text for lang, text in texts.items() if is_natural(text, lang)}
            if any(lang != "en" and text == texts.get("en") for lang, text in texts.items()):
                texts = {lang: text for lang, text in texts.items() if lang == "en" or text != texts.get("en")}
            yield package, texts


def distinct_rows(found, documents, excluded):
    """Each row once, and none that has a text of the held-out package."""
    seen = set()
    rows = []
    from_documents = ((d["source"], row) for d in documents for _, row in d["rows"])
    for source, texts in [*found, *from_documents]:
        keys = {lang: key_of(text) for lang, text in texts.items()}
        signature = (keys.get("en"), keys.get("ru"), keys.get("de"))
        if len(texts) < 2 or signature in seen or excluded & set(keys.values()):
            continue
        seen.add(signature)
        rows.append((source, texts))
    return rows


def held_out_rows(pages):
    """1,000 distinct sentences in Russian and English: first those without Latin letters, which names would give away."""
    seen = set()
    rows = []
    for page in pages:
        for _, row in page["rows"]:
            if not {"ru", "en"} <= set(row) or len(row["en"].split()) < 5 or len(row["en"]) > 300:
                continue
            keys = {key_of(row["en"]), key_of(row["ru"])}
            if not keys & seen:
                seen |= keys
                rows.append({"ru": row["ru"], "en": row["en"]})
    random.Random(7).shuffle(rows)
    rows.sort(key=lambda row: bool(re.search("[a-zA-Z]", row["ru"])))
    return rows[:1000]


def write_held_out(rows):
    notice = (
        "# Sentences of Evolution's user manual and their Russian translation, by its authors and translators, under the\n"
        "# Creative Commons Attribution-ShareAlike 3.0 licence. No model was trained on them, nor on any text of theirs.\n"
    )
    lines = [f"{row['ru']}\t{row['en']}\n" for row in rows]
    (HERE / "held-out/ru-en.tsv").write_text(notice + "".join(lines), "utf-8")


def held_out_pages(pages):
    """A page's heading in Russian and English, and the Russian text under it."""
    found = []
    for page in pages:
        headings = [row for headed, row in page["rows"] if headed and {"ru", "en"} <= set(row)]
        body = " ".join(row["ru"] for headed, row in page["rows"] if not headed and "ru" in row)
        if headings and len(body) > 300:
            found.append({"heading": headings[0], "body": body[:6000]})
    return found


def repeated(documents):
    """Texts on more than five pages: menus, notices."""
    counts = {}
    for document in documents:
        for text in {text for _, row in document["rows"] for text in row.values()}:
            counts[text] = counts.get(text, 0) + 1
    return {text for text, count in counts.items() if count > 5}


def without_boilerplate(documents):
    often = repeated(documents)
    kept = []
    for document in documents:
        rows = [(headed, {lang: t for lang, t in row.items() if t not in often}) for headed, row in document["rows"]]
        kept.append({**document, "rows": [(headed, row) for headed, row in rows if row]})
    return kept


def lexicon(unpacked):
    """(source, {lang: text}) for dictionaries, (source, lang, [synonyms]) for thesauri."""
    pairs, groups = [], []
    dictd = lambda name: unpacked / name / "usr/share/dictd"
    pairs += [("mueller7-dict", {"en": en, "ru": ru}) for en, ru in mueller_pairs(dictd("mueller7-dict"))]
    for name in ("eng-rus", "deu-rus", "fra-rus", "fra-eng", "spa-eng", "eng-fra", "eng-spa", "deu-fra", "deu-spa", "fra-spa"):
        package = f"dict-freedict-{name}"
        codes = {"eng": "en", "rus": "ru", "deu": "de", "fra": "fr", "spa": "es"}
        source, target = (codes[code] for code in name.split("-"))
        found = freedict_pairs(dictd(package), target == "ru")
        pairs += [(package, {source: word, target: meaning}) for word, meaning in found]
    ding = list(ding_pairs(unpacked / "trans-de-en/usr/share/trans/de-en"))
    random.Random(3).shuffle(ding)
    pairs += [("trans-de-en", {"de": de, "en": en}) for de, en in ding[:200_000] if len(de) < 120]
    for lang, name in {"ru": "ru_RU", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "en": "en_US"}.items():
        for path in sorted(unpacked.glob(f"mythes-*/usr/share/mythes/th_{name}_v2.dat")):
            groups += [(path.parts[-5], lang, group) for group in thesaurus_groups(path)]
    return pairs, groups


def read_glossary(folder):
    """(theme, {lang: [synonyms]}) of the terms, and (theme, [{lang: sentence}, ...]) of sentences that belong together."""
    terms, exchanges = [], []
    for path in sorted(folder.glob("*.tsv")):
        lines = path.read_text("utf-8").splitlines()
        languages = lines[0].split("\t")
        if path.stem.startswith("sentences"):
            for block in "\n".join(lines[1:]).split("\n\n"):
                exchanges.append((path.stem, [dict(zip(languages, line.split("\t"))) for line in block.splitlines() if line]))
        else:
            for line in lines[1:]:
                cells = [[t.strip() for t in cell.split(";") if t.strip()] for cell in line.split("\t")]
                if len(cells) != len(languages):
                    sys.exit(f"{path.name}: {len(cells)} columns instead of {len(languages)}: {line[:80]}")
                terms.append((path.stem, dict(zip(languages, cells))))
    return terms, exchanges


if __name__ == "__main__":
    work = Path(sys.argv[1])
    start = time.time()
    corpus = extract(work)
    write_held_out(corpus["held_out"])
    with open(work / "corpus.pickle", "wb") as file:
        pickle.dump(corpus, file)
    pairs, groups = corpus["lexicon"]
    print(
        f"extracted {len(corpus['rows']):,} rows, {len(corpus['documents']):,} documents, {len(pairs):,} dictionary pairs,"
        f" {len(groups):,} synonym groups, {len(corpus['glossary'][0])} glossary terms, {len(corpus['held_out']):,}"
        f" held-out rows in {time.time() - start:.0f} s"
    )
