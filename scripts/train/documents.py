"""Translated manuals: pages that have the same blocks in the same order in several languages."""
import gzip
import re

from catalogues import LANGUAGES
from clean import clean, is_natural

DROPPED = re.compile(
    r"<((?:\w+:)?(?:script|style|head|credit|othercredit|author|legalnotice|screen|pre|programlisting|svg|nav|footer))\b"
    r".*?</\1>|<!--.*?-->|<\?.*?\?>|<!DOCTYPE.*?>",
    re.S | re.I,
)
BLOCK = re.compile(
    r"</?(?:p|h[1-6]|li|dt|dd|td|th|tr|ul|ol|dl|div|br|title|subtitle|desc|para|simpara|item|steps|list|note|section"
    r"|sect[1-5]|page|table|listitem|entry|term|info|media|figure|example|blockquote|body|html)\b[^<>]*>",
    re.I,
)
HEADING = re.compile(r"<(?:h[1-6]|title)\b", re.I)
INLINE = re.compile(r"<[^<>]*>")


def blocks_of(path):
    """(is it a heading, text) for each block of an HTML, Mallard or DocBook page."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    text = DROPPED.sub(" ", data.decode("utf-8", "replace"))
    blocks = []
    end, heading = 0, False
    for tag in BLOCK.finditer(text):
        block = " ".join(INLINE.sub("", text[end : tag.start()]).split())
        if re.search(r"\w", block):
            blocks.append((heading, block))
        end, heading = tag.end(), bool(HEADING.match(tag.group()))
    return blocks


# Folders of a page in English and in its translations; {} is the language.
PLACES = [
    ("gnome-user-docs", "usr/share/help/{}", {"en": "C"}),
    (
        "debian-handbook",
        "usr/share/doc/debian-handbook/html/{}",
        {"en": "en-US", "ru": "ru-RU", "de": "de-DE", "fr": "fr-FR", "es": "es-ES"},
    ),
    ("installation-guide-amd64", "usr/share/doc/installation-guide-amd64/{}", {}),
    ("libreoffice-help-{}", "usr/share/libreoffice/help/{}/text", {"en": "en-US"}),
    ("aptitude-doc-{}", "usr/share/doc/aptitude/html/{}", {}),
    ("debian-faq-{}", "usr/share/doc/debian/FAQ/{}", {}),
]
PACKAGE_OF_ENGLISH = {"libreoffice-help-{}": "libreoffice-help-en-us", "debian-faq-{}": "debian-faq"}


def read_documents(root, packages, places=PLACES):
    """Each: {"source", "titles": {lang: text}, "blocks": {lang: [text]}}, blocks aligned over its languages."""
    places = [*places, *((p, "usr/share/help/{}", {"en": "C"}) for p in packages if (root / p / "usr/share/help/C").is_dir())]
    seen = set()
    for package, folder, names in places:
        folders = {}
        for lang in LANGUAGES:
            owner = PACKAGE_OF_ENGLISH.get(package, package).format("en") if lang == "en" else package.format(lang)
            path = root / owner / folder.format(names.get(lang, lang))
            if path.is_dir() and path not in seen:
                seen.add(path)
                folders[lang] = path
        if len(folders) > 1:
            yield from align_folders(package.removesuffix("-{}"), folders)


def align_folders(source, folders):
    pages = {}
    for lang, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".html", ".page", ".docbook") and "index" != path.stem.split(".")[0] or path.name == "index.docbook":
                name = re.sub(rf"\.({'|'.join(LANGUAGES)})(?=\.html)", "", str(path.relative_to(folder)))
                pages.setdefault(name, {})[lang] = path
    for name in sorted(pages):
        blocks = {lang: blocks_of(path) for lang, path in pages[name].items()}
        counts = [len(b) for b in blocks.values()]
        common = max(set(counts), key=lambda c: (counts.count(c), c))
        aligned = {lang: b for lang, b in blocks.items() if len(b) == common}
        if common > 0 and len(aligned) > 1:
            yield document(source, aligned)


def document(source, aligned):
    """Drops what is no language, and translations that were left in English."""
    count = len(next(iter(aligned.values())))
    rows = []
    for index in range(count):
        row = {lang: clean(blocks[index][1]) for lang, blocks in aligned.items()}
        headed = next(iter(aligned.values()))[index][0]
        rows.append((headed, {lang: text for lang, text in row.items() if is_natural(text, lang)}))
    english = [row.get("en") for _, row in rows]
    for (_, row), original in zip(rows, english):
        for lang in [lang for lang in row if lang != "en" and row[lang] == original]:
            del row[lang]
    return {"source": source, "rows": [(headed, row) for headed, row in rows if row]}


def read_descriptions(lists):
    """Debian's package descriptions: a title and paragraphs, aligned by the sum of the English text."""
    by_sum = {}
    for lang in LANGUAGES:
        for path in sorted(lists.glob(f"*bookworm_main_i18n_Translation-{lang}")):
            for entry in path.read_text("utf-8", "replace").split("\n\n"):
                found = re.search(rf"Description-md5: (\w+)\nDescription-{lang}: (.*)\n((?: .*\n?)*)", entry)
                if found:
                    by_sum.setdefault(found[1], {})[lang] = (found[2], re.split(r"\n \.\n", found[3].rstrip()))
    for texts in by_sum.values():
        aligned = {
            lang: [(True, title), *((False, " ".join(p.split())) for p in paragraphs if p.strip())]
            for lang, (title, paragraphs) in texts.items()
        }
        english = len(aligned.get("en", []))
        aligned = {lang: blocks for lang, blocks in aligned.items() if len(blocks) == english}
        if len(aligned) > 1:
            yield document("package-descriptions", aligned)
