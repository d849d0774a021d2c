"""Trains the two vocabularies and writes them as Hugging Face tokenizers.

Both come from byte-pair merges over word counts. mini-m3 has them as a Unigram model; for mini-rubert they become a
WordPiece vocabulary: a piece that begins a word stands as it is, any other gets "##".
"""
import collections
import io
import math
import re
import unicodedata

import sentencepiece

PUNCTUATION = re.compile(r"[^\w\s]|_", re.U)
FORMAT = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
DIGITS_AND_MARKS = "0123456789.,:;!?()[]{}«»\"'`-–—…%№+*/=<>@#&$€£₽_°§|~^\\•“”„‚‘’"


def normalize(text):
    return FORMAT.sub("", unicodedata.normalize("NFKC", text)).lower().replace("ё", "е")


def words_of(text):
    """Runs of letters and digits, and each mark on its own: what both pre-tokenizers make of a normalised text."""
    return re.findall(r"[^\W_]+|[^\w\s]|_", normalize(text), re.U)


def count_words(weighted_texts):
    counts = collections.Counter()
    for text, weight in weighted_texts:
        for word in words_of(text):
            if len(word) <= 40:
                counts[word] += weight
    return counts


def train_pieces(counts, size, alphabet):
    """[(piece, log probability)], word starts marked with ▁, most probable first.

    The pieces are byte-pair merges, which keep every frequent word whole (the unigram trainer, given words with their
    counts, cut "когда" in three); their probabilities come from splitting the words by them twice.
    """
    words = {w: n for w, n in sorted(counts.items()) if n >= 3 and w.isalpha()}
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(f"{word}\t{int(count)}" for word, count in words.items()),
        model_writer=model,
        input_format="tsv",
        model_type="bpe",
        vocab_size=size,
        required_chars=alphabet,
        character_coverage=0.9999,
        normalization_rule_name="identity",
        max_sentencepiece_length=20,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    trained = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [trained.id_to_piece(index) for index in range(3, len(trained))]  # after <unk>, <s>, </s>
    scores = {piece: -math.log(rank + 20) for rank, piece in enumerate(pieces)}
    frequent = {w: n for w, n in words.items() if n >= 10}
    for _ in range(2):
        uses = collections.Counter(dict.fromkeys(pieces, 0.5))
        splitter = Unigram(list(scores.items()))
        for word, count in frequent.items():
            for index in splitter.encode_word(word):
                uses[splitter.pieces[index][0]] += count
        total = sum(uses.values())
        scores = {piece: math.log(uses[piece] / total) for piece in pieces}
    return sorted(scores.items(), key=lambda piece: (-piece[1], piece[0]))


class Unigram:
    """Encodes as Hugging Face's Unigram does: the best path over each word; neighbouring unknowns become one."""

    def __init__(self, pieces):
        self.specials = ["<s>", "<pad>", "</s>", "<unk>"]
        known = {piece for piece, _ in pieces}
        marks = [(m, -12.0) for m in [*DIGITS_AND_MARKS, "▁"] if m not in known]
        starts = [(f"▁{m}", -9.0) for m in DIGITS_AND_MARKS if f"▁{m}" not in known]
        self.pieces = [*((s, 0.0) for s in self.specials), *((p, round(s, 3)) for p, s in [*pieces, *marks, *starts])]
        self.ids = {piece: i for i, (piece, _) in enumerate(self.pieces)}
        self.scores = [score for _, score in self.pieces]
        self.unknown_score = min(self.scores) - 10.0
        self.longest = max(len(piece) for piece, _ in self.pieces)
        self.begin, self.pad, self.end, self.unknown = range(4)
        self.cache = {}

    def __len__(self):
        return len(self.pieces)

    def encode_word(self, word):
        if word not in self.cache:
            self.cache[word] = self.best_path(f"▁{word}")
        return self.cache[word]

    def best_path(self, text):
        best = [(0.0, 0, 0)] + [None] * len(text)
        for end in range(1, len(text) + 1):
            for start in range(max(0, end - self.longest), end):
                piece = self.ids.get(text[start:end])
                if piece is None and end - start > 1:
                    continue
                score = best[start][0] + (self.unknown_score if piece is None else self.scores[piece])
                if best[end] is None or score > best[end][0]:
                    best[end] = (score, start, self.unknown if piece is None else piece)
        path, end = [], len(text)
        while end > 0:
            _, start, piece = best[end]
            if not (piece == self.unknown and path and path[-1] == self.unknown):
                path.append(piece)
            end = start
        return path[::-1]

    def json(self):
        normalizers = [
            {"type": "NFKC"},
            {"type": "Replace", "pattern": {"Regex": "\\p{Cf}"}, "content": ""},
            {"type": "Lowercase"},
            {"type": "Replace", "pattern": {"String": "ё"}, "content": "е"},
        ]
        pre_tokenizers = [
            {"type": "WhitespaceSplit"},
            # Not "Punctuation": libraries differ in whether it keeps a run of marks together.
            {"type": "Split", "pattern": {"Regex": "[^\\p{L}\\p{N}\\s]"}, "behavior": "Isolated", "invert": False},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        ]
        template = lambda text: [
            {"SpecialToken": {"id": "<s>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "</s>", "type_id": 0}},
            *([{"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}] if text else []),
        ]
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added_tokens(self.specials),
            "normalizer": {"type": "Sequence", "normalizers": normalizers},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": pre_tokenizers},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": template(False),
                "pair": template(True),
                "special_tokens": {s: {"id": s, "ids": [i], "tokens": [s]} for s, i in (("<s>", 0), ("</s>", 2))},
            },
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            "model": {"type": "Unigram", "unk_id": 3, "vocab": [list(p) for p in self.pieces], "byte_fallback": False},
        }


class WordPiece:
    """Encodes as BERT does: the longest piece first; a word with an unknown character is [UNK]."""

    def __init__(self, pieces):
        self.specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        whole = [p[1:] if p.startswith("▁") else f"##{p}" for p, _ in pieces if p != "▁"]
        letters = [*RUSSIAN, *"abcdefghijklmnopqrstuvwxyz0123456789"]
        needed = [*letters, *(f"##{letter}" for letter in letters), *DIGITS_AND_MARKS]
        self.pieces = list(dict.fromkeys([*self.specials, *whole, *needed]))
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}
        self.longest = max(map(len, self.pieces))
        self.pad, self.unknown, self.begin, self.end = range(4)
        self.cache = {}

    def __len__(self):
        return len(self.pieces)

    def encode_word(self, word):
        if word not in self.cache:
            self.cache[word] = self.longest_first(word)
        return self.cache[word]

    def longest_first(self, word):
        path, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(min(len(word), start + self.longest), start, -1):
                piece = self.ids.get(prefix + word[start:end])
                if piece is not None:
                    break
            else:
                return [self.unknown]
            path.append(piece)
            start = end
        return path

    def json(self):
        bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": False, "lowercase": True}
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added_tokens(self.specials),
            "normalizer": {
                "type": "Sequence",
                "normalizers": [{"type": "NFKC"}, bert, {"type": "Replace", "pattern": {"String": "ё"}, "content": "е"}],
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": self.ids,
            },
        }


def added_tokens(specials):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": i, "content": content, **flags} for i, content in enumerate(specials)]


def encode(tokenizer, text, longest):
    ids = [piece for word in words_of(text) for piece in tokenizer.encode_word(word)]
    return [tokenizer.begin, *ids[: longest - 2], tokenizer.end]
