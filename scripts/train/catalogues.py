"""Message catalogues of translated programs: one row of texts per message, keyed by language."""
import json
import os
import re
import struct
from pathlib import Path

LANGUAGES = ("en", "ru", "de", "fr", "es")


def read_mo(path):
    """msgid -> msgstr of a compiled catalogue, contexts and plural forms dropped."""
    data = path.read_bytes()
    if len(data) < 28:
        return {}
    magic = struct.unpack("<I", data[:4])[0]
    order = "<" if magic == 0x950412DE else ">"
    count, originals, translations = struct.unpack(f"{order}3I", data[8:20])
    messages = {}
    for index in range(count):
        source = field(data, order, originals + 8 * index)
        target = field(data, order, translations + 8 * index)
        source = source.split(b"\4")[-1].split(b"\0")[0]
        target = target.split(b"\0")[0]
        try:
            if source and target:
                messages[source.decode()] = target.decode()
        except UnicodeDecodeError:
            continue
    return messages


def field(data, order, at):
    length, offset = struct.unpack(f"{order}2I", data[at : at + 8])
    return data[offset : offset + length]


PO_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def read_po(path):
    """msgid -> msgstr of a source catalogue without fuzzy entries."""
    messages = {}
    for entry in re.split(r"\n\s*\n", path.read_text("utf-8", "replace")):
        if re.search(r"^#,.*fuzzy", entry, re.M):
            continue
        parts = {}
        key = None
        for line in entry.splitlines():
            start = re.match(r"(msgid|msgstr(?:\[0\])?) ", line)
            if start:
                key = start.group(1)[:6].rstrip("[")
            elif not line.startswith('"'):
                key = None
            if key:
                parts[key] = parts.get(key, "") + "".join(PO_STRING.findall(line))
        if parts.get("msgid") and parts.get("msgstr"):
            messages[unescape(parts["msgid"])] = unescape(parts["msgstr"])
    return messages


def unescape(text):
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\t", " ").replace("\\\\", "\\")


def read_i18n_json(folder):
    """MediaWiki's i18n folders: en.json, ru.json ... with the same keys."""
    texts = {}
    for language in LANGUAGES:
        path = folder / f"{language}.json"
        if path.exists():
            content = json.loads(path.read_text("utf-8"))
            texts[language] = {k: v for k, v in content.items() if isinstance(v, str)}
    return [{lang: messages[key] for lang, messages in texts.items() if key in messages} for key in texts.get("en", {})]


CATALOGUE = re.compile(
    r"(?P<place>.*)/(?:(?P<folder>ru|de|fr|es)(?:_(?:RU|DE|FR|ES))?/LC_MESSAGES/(?P<domain>[^/]+)\.(?:mo|po)"
    r"|(?P<file>ru|de|fr|es)(?:_(?:RU|DE|FR|ES))?\.(?:mo|po))$"
)


def catalogue_rows(root):
    """Rows of all catalogues under an unpacked package."""
    by_domain, json_folders = {}, []
    for folder, _, files in sorted(os.walk(root)):
        for name in sorted(files):
            path = f"{folder}/{name}"
            found = CATALOGUE.match(path)
            if found:
                domain = (found["place"], found["domain"], name[-3:])
                by_domain.setdefault(domain, {}).setdefault(found["folder"] or found["file"], Path(path))
            elif name == "en.json" and "/i18n" in folder:
                json_folders.append(Path(folder))
    for (place, domain, kind), paths in by_domain.items():
        if kind == ".po" and (place, domain, ".mo") in by_domain:
            continue
        catalogues = {lang: (read_mo if kind == ".mo" else read_po)(path) for lang, path in sorted(paths.items())}
        for source in sorted(set().union(*catalogues.values())):
            row = {lang: messages[source] for lang, messages in catalogues.items() if source in messages}
            yield {"en": source, **row}
    for folder in json_folders:
        yield from read_i18n_json(folder)
