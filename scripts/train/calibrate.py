"""Puts the profile's threshold where nearly all right answers pass, on a manual that was not trained on."""
import torch

PASSING = 0.93


def floor_for(recipe, encoder, codec, corpus):
    """(similarity of texts that have nothing in common, right and wrong similarities after it).

    Queries are the headings of the held-out package's manual, answers the text under them.
    """
    pairs = [(row["heading"]["ru"], row["body"]) for row in corpus["held_out_pages"]]
    queries = codec.embed(encoder, [heading for heading, _ in pairs])
    answers = codec.embed(encoder, [body for _, body in pairs], longest=recipe["maxTokens"])
    scores = queries @ answers.t()
    right = scores.diag()
    wrong = scores[~torch.eye(len(scores), dtype=torch.bool)]
    least = right.quantile(1 - PASSING).item()
    lifted = max(0.0, (recipe["threshold"] - least) / (1 - recipe["threshold"]))
    floor = lifted / (1 + lifted)
    return floor, quantiles(right, floor), quantiles(wrong, floor)


def quantiles(scores, floor):
    lifted = floor + (1 - floor) * scores
    return {f"p{round(100 * q)}": round(lifted.quantile(q).item(), 3) for q in (0.05, 0.1, 0.5, 0.9, 0.95)}
