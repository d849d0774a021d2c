"""Turns a program's message into a sentence: no markup, no accelerators, no placeholders."""
import html
import re
import unicodedata

MARKUP = re.compile(r"<[^<>]{1,200}>|\[\[|\]\]|'''?|\{\{[^{}]*\}\}|`{1,2}")
PLACEHOLDER = re.compile(r"%[-#0-9.$]*[a-zA-Z]\b|%\([^)]*\)[a-z]|%\d|\$\{?\w+\}?|\{[^{}]{0,40}\}|\\[A-Za-z]+")
ACCELERATOR = re.compile(r"[_&~](?=\w)|\(&\w\)|\(_\w\)")
LETTER = re.compile(r"[^\W\d_]")
CYRILLIC = re.compile(r"[а-яёА-ЯЁ]")
WORD = re.compile(r"[^\W\d_]{2,}")


def clean(text):
    text = html.unescape(text)
    text = MARKUP.sub(" ", text)
    text = PLACEHOLDER.sub(" ", text)
    if "_" in text or "&" in text or "~" in text:
        text = ACCELERATOR.sub("", text)
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"\s+", " ", text).strip(" \t:*-–—•|")


def is_natural(text, language, shortest=2, longest=1200):
    """Mostly letters, in the script of its language, and not the name of a setting."""
    if not shortest <= len(text) <= longest:
        return False
    letters = len(LETTER.findall(text))
    if letters < 0.6 * len(text.replace(" ", "")) or not WORD.search(text):
        return False
    cyrillic = len(CYRILLIC.findall(text))
    if language == "ru":
        return cyrillic >= 0.6 * letters
    return cyrillic == 0


def key_of(text):
    """What makes two texts the same: letters and digits alone, lower-cased."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).lower().replace("ё", "е")).strip()
