"""Measures an encoder on sentences of a package that it was not trained on."""
import torch


def recall_at(queries, answers, k):
    """Share of queries with fewer than k answers nearer than their own."""
    scores = queries @ answers.t()
    own = scores.diag()[:, None]
    return ((scores > own).sum(1) < k).float().mean().item()


def recall_report(encoder, codec, held_out):
    russian = codec.embed(encoder, [row["ru"] for row in held_out])
    english = codec.embed(encoder, [row["en"] for row in held_out])
    scores = russian @ english.t()
    own = scores.diag()
    others = scores[~torch.eye(len(scores), dtype=torch.bool)]
    return {
        "ruEnRecall10": round(recall_at(russian, english, 10), 3),
        "enRuRecall10": round(recall_at(english, russian, 10), 3),
        "ruEnRecall1": round(recall_at(russian, english, 1), 3),
        "own": round(own.mean().item(), 3),
        "others": round(others.mean().item(), 3),
    }


def page_report(encoder, codec, pages, longest):
    """How often a heading's own page is among the three nearest of the manual's."""
    bodies = codec.embed(encoder, [page["body"] for page in pages], longest)
    asked = {lang: codec.embed(encoder, [page["heading"][lang] for page in pages]) for lang in ("ru", "en")}
    return {
        "pages": len(pages),
        "ruHeadingRecall3": round(recall_at(asked["ru"], bodies, 3), 3),
        "enHeadingRecall3": round(recall_at(asked["en"], bodies, 3), 3),
    }
