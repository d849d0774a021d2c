"""Draws training pairs: two texts that mean the same, or a short text and a long one that answers it."""
import random
import re

LANGUAGES = ("en", "ru", "de", "fr", "es")
SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[\w«\"„“])")


class PairSource:
    """Every draw is (text, text, group): texts of one group are never held against each other."""

    def __init__(self, corpus, languages, shares, seed):
        self.random = random.Random(seed)
        self.languages = languages
        self.shares = shares
        several = 1 if len(languages) == 1 else 2
        only = lambda texts: {lang: text for lang, text in texts.items() if lang in languages}
        self.rows = [row for row in (only(r) for _, r in corpus["rows"]) if len(row) >= several]
        self.rows = [row for row in self.rows if any(" " in text for text in row.values())]
        pairs, groups = corpus["lexicon"]
        self.dictionary = [p for p in (only(texts) for _, texts in pairs) if len(p) == 2]
        self.synonyms = [group for _, lang, group in groups if lang in languages]
        self.terms = [only(texts) for _, texts in corpus["glossary"][0]]
        self.themes = [theme for theme, _ in corpus["glossary"][0]]
        self.exchanges = [[only(texts) for texts in exchange] for _, exchange in corpus["glossary"][1]]
        self.documents = [
            rows
            for rows in ([(h, only(r)) for h, r in d["rows"] if only(r)] for d in corpus["documents"])
            if sum(len(text) for _, row in rows for text in row.values()) > 200 and len(rows) > 2
        ]
        self.variants = russian_variants(corpus) if languages == ("ru",) else []

    def batch(self, size):
        pairs = []
        for name, share in self.shares.items():
            draw = getattr(self, name)
            wanted = round(size * share)
            while wanted > 0:
                pair = draw()
                if pair and pair[0] and pair[1]:
                    pairs.append(pair)
                    wanted -= 1
        self.random.shuffle(pairs)
        return pairs

    def pick(self, things):
        return things[int(self.random.random() * len(things))]

    def two_languages(self, row):
        """Russian is one of them more often than not."""
        langs = list(row)
        if len(langs) == 1:
            return langs[0], langs[0]
        first = "ru" if "ru" in row and self.random.random() < 0.6 else self.pick(langs)
        second = self.pick([lang for lang in langs if lang != first])
        return (first, second) if self.random.random() < 0.5 else (second, first)

    def translation(self):
        row = self.pick(self.rows)
        first, second = self.two_languages(row)
        return row[first], row[second], id(row)

    def same_words(self):
        """A text and itself, each with words left out: word order and single words do not matter much."""
        row = self.pick(self.rows)
        text = row[self.pick(list(row))]
        return self.thinned(text, 0.3), self.thinned(text, 0.3), id(row)

    def thinned(self, text, share):
        words = text.split()
        return " ".join([w for w in words if self.random.random() > share] or words)

    def word(self):
        pair = self.pick(self.dictionary)
        first, second = pair.values()
        return (first, second, first) if self.random.random() < 0.5 else (second, first, first)

    def synonym(self):
        group = self.pick(self.synonyms)
        return group[0], self.pick(group[1:]), group[0]

    def variant(self):
        texts = self.pick(self.variants)
        first, second = self.random.sample(texts, 2)
        return first, second, id(texts)

    def term(self):
        texts = self.pick(self.terms)
        langs = [self.pick(list(texts)) for _ in range(2)] if len(texts) > 1 else list(texts) * 2
        if "ru" in texts and self.random.random() < 0.5:
            langs[0] = "ru"
        return self.pick(texts[langs[0]]), self.pick(texts[langs[1]]), id(texts)

    def exchange(self):
        exchange = self.pick(self.exchanges)
        first = self.pick(exchange)
        second = self.pick(exchange)
        a, b = self.pick(list(first)), self.pick(list(second))
        return first[a], second[b], id(exchange)

    def term_in_text(self):
        """A term against a text on its theme that has it, or a synonym or translation, somewhere in its middle."""
        start = int(self.random.random() * len(self.terms))
        texts, theme = self.terms[start], self.themes[start]
        lang = "ru" if "ru" in texts and self.random.random() < 0.6 else self.pick(list(texts))
        near = [t for t, other in zip(self.terms, self.themes) if other == theme]
        said = [self.pick(texts[lang]) for _ in range(2)]
        said += [self.pick(self.pick(near)[lang]) for _ in range(int(self.random.random() * 12))]
        said += [row[lang] for row in (self.pick(self.rows) for _ in range(6)) if lang in row]
        self.random.shuffle(said)
        asked = self.pick(texts[self.pick(list(texts))])
        return asked, ". ".join(said), id(texts)

    def heading(self):
        """A heading against the text under it, in the same language or another."""
        document = self.pick(self.documents)
        heads = [i for i, (headed, _) in enumerate(document) if headed]
        start = self.pick(heads) if heads else 0
        first, body = self.sides(document[start : start + 1], document[start + 1 :])
        return first, body, id(document)

    def sentence_in_text(self):
        """A sentence against the passage that it, or its translation, stands in."""
        document = self.pick(self.documents)
        start = int(self.random.random() * len(document))
        passage = document[start : start + 2 + int(self.random.random() * 20)]
        asked, body = self.sides([self.pick(passage)], passage)
        if asked is None:
            return None
        asked = self.pick(SENTENCE.split(asked)) if self.random.random() < 0.5 else asked
        return self.thinned(asked, 0.2), body, id(document)

    def gathered(self):
        """One message against a text of several unrelated ones among which it stands."""
        rows = [self.pick(self.rows) for _ in range(2 + int(self.random.random() ** 2 * 30))]
        first, second = self.two_languages(rows[0])
        texts = [row[second] for row in rows if second in row]
        self.random.shuffle(texts)
        return rows[0][first], " ".join(texts), id(rows[0])

    def neighbour(self):
        """Two passages of one document, side by side."""
        document = self.pick(self.documents)
        if len(document) < 4:
            return None
        middle = 1 + int(self.random.random() * (len(document) - 2))
        first, second = self.sides(document[max(0, middle - 3) : middle], document[middle : middle + 3])
        return first, second, id(document)

    def sides(self, first, second):
        """Both as text, in languages that they have."""
        lang = self.pick(list(first[0][1]))
        others = sorted({other for _, row in second for other in row})
        if not others:
            return None, None
        other = lang if lang in others and self.random.random() < 0.5 else self.pick(others)
        join = lambda part, lang: " ".join(row[lang] for _, row in part if lang in row)
        return join(first, lang), join(second, other)[: self.longest()]

    def longest(self):
        return 300 + int(self.random.random() ** 2 * 4000)


def russian_variants(corpus):
    """Russian texts that translate one and the same English message or word."""
    by_english = {}
    for texts in [*(row for _, row in corpus["rows"]), *(pair for _, pair in corpus["lexicon"][0])]:
        if "ru" in texts and "en" in texts:
            by_english.setdefault(texts["en"].lower(), {})[texts["ru"]] = None
    return [list(found)[:8] for found in by_english.values() if len(found) > 1]
