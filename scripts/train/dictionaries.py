"""Bilingual dictionaries and thesauri: pairs of words and short phrases that mean the same."""
import gzip
import re

PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\{[^{}]*\}|/[^/\n]*/|\"[^\"]*\"")
CYRILLIC_ONLY = re.compile(r"^[а-яё][а-яё \-]{2,50}$", re.I)
LATIN_ONLY = re.compile(r"^[a-zà-ÿßœ][a-zà-ÿßœ' \-]{1,50}$", re.I)
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def read_dictd(folder):
    """(headword, entry) of a dictionary in dictd's format."""
    for index in sorted(folder.glob("*.index")):
        text = gzip.decompress(index.with_suffix(".dict.dz").read_bytes())
        for line in index.read_text("utf-8", "replace").splitlines():
            word, offset, length = line.split("\t")[:3]
            if not word.startswith("00"):
                start = number(offset)
                yield word, text[start : start + number(length)].decode("utf-8", "replace")


def number(digits):
    value = 0
    for digit in digits:
        value = value * 64 + BASE64.index(digit)
    return value


def freedict_pairs(folder, to_russian):
    """The translations stand on their own lines; definitions are longer and end the list."""
    wanted = CYRILLIC_ONLY if to_russian else LATIN_ONLY
    for word, entry in read_dictd(folder):
        for line in entry.splitlines()[1:8]:
            if re.match(r"\s*(Note|Synonym|see|Antonym)", line):
                continue
            line = re.sub(r"\s*\d+\.", "", PARENTHESES.sub("", line))
            for meaning in re.split(r"[,;]", line):
                meaning = " ".join(meaning.split())
                if wanted.match(meaning) and len(meaning.split()) <= 4 and LATIN_ONLY.match(word):
                    yield word, meaning


def mueller_pairs(folder):
    """English headwords and examples with their Russian glosses."""
    for word, entry in read_dictd(folder):
        body = entry.split("\n", 1)[-1]
        body = re.sub(r"_[а-яa-z\-]+\.(?:_[а-я\-]+\.)*", " ", PARENTHESES.sub("", body), flags=re.I)
        for piece in re.split(r"[;,\n]|\d[.)]|[а-я]\)|=|~", body):
            piece = " ".join(piece.split())
            if CYRILLIC_ONLY.match(piece):
                if LATIN_ONLY.match(word):
                    yield word, piece
            else:
                found = re.match(r"^([a-z][a-z' ]{3,50}) ([а-яё][а-яё \-]{3,60})$", piece, re.I)
                if found:
                    yield found[1], found[2]


def ding_pairs(path):
    """German :: English, senses parted by |, synonyms by ;"""
    for line in path.read_text("utf-8", "replace").splitlines():
        if line.startswith("#") or "::" not in line:
            continue
        german, english = line.split("::", 1)
        for left, right in zip(german.split("|"), english.split("|")):
            lefts = [" ".join(PARENTHESES.sub("", p).split()) for p in left.split(";")]
            rights = [" ".join(PARENTHESES.sub("", p).split()) for p in right.split(";")]
            if lefts[0] and rights[0]:
                yield lefts[0], rights[0]
                if len(lefts) > 1 and lefts[-1]:
                    yield lefts[-1], rights[-1] or rights[0]


def thesaurus_groups(path):
    """MyThes: a word and its synonyms, a line for each sense."""
    data = path.read_bytes()
    encoding = "utf-8-sig" if b"UTF" in data[:12] else "latin-1"
    lines = data.decode(encoding, "replace").splitlines()[1:]
    word = ""
    for line in lines:
        parts = line.split("|")
        if len(parts) == 2 and parts[1].isdigit():
            word = parts[0]
        elif not re.search("антоним|antonym", parts[0], re.I):
            synonyms = [" ".join(PARENTHESES.sub("", p).split()) for p in parts[1:]]
            group = [s for s in dict.fromkeys([word, *synonyms]) if s and len(s) > 2]
            if len(group) > 1:
                yield group[:6]
