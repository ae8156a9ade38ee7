"""Learns the request classifier and tries it on the sentences that it has not seen.

`python -m bench.request` learns from the training file of the labelled sentences, writes
`transforms/request_weights.json`, and holds the result against its test file, beside the majority
and beside the rule "it has a question mark". `--keep` tries the weights that lie there.

The error of calibration stands beside what it is on average, over DRAWS, for probabilities that are
right, and beside what is left once the share of requests among the sentences is known: it is
estimated from the probabilities alone, without a label (Saerens, Latinne, Decaestecker 2002).
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from bench.corpora import DATA, ROOT
from bench.figures import Figure, measured, record
from models.request import fit
from transforms import request

COMMAND = "python -m bench.request"
WEIGHTS = ROOT / "transforms" / "request_weights.json"
BINS = 10
DRAWS = 200
ROUNDS = 200
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def main() -> None:
    if "--keep" not in sys.argv:
        _learn()
    sentences, labels = _read("testSet-qualifiedBatch-fixed.txt")
    figures = _tried(np.array([request.probability(s) for s in sentences]), sentences, labels)
    for figure in figures:
        print(f"{figure.metric}: {figure.value:g}")
    print(record("request", figures))


def _learn() -> None:
    sentences, labels = _read("Ask0729-fixed.txt")
    tested, _ = _read("testSet-qualifiedBatch-fixed.txt")
    known = {_key(sentence) for sentence in tested}
    unseen = [number for number, sentence in enumerate(sentences) if _key(sentence) not in known]
    weights = fit([sentences[n] for n in unseen], [bool(labels[n]) for n in unseen])
    share = round(float(labels[unseen].mean()), 4)
    about: dict[str, object] = {"version": request.VERSION, "sentences": len(unseen)}
    about["requests"] = share
    about["weights"] = weights
    WEIGHTS.write_text(json.dumps(about, ensure_ascii=False, indent=0) + "\n")
    print(f"{len(unseen)} sentences, {len(weights)} weights, {WEIGHTS.stat().st_size} bytes")


def _key(sentence: str) -> str:
    return " ".join(request.features(sentence))


def _read(name: str) -> tuple[list[str], Flags]:
    """Return the sentences of a labelled file and whether each is a request."""
    text = (Path(DATA) / "email_intent" / name).read_text("utf-8", "replace")
    lines = [line.partition("\t") for line in text.splitlines() if "\t" in line]
    return [sentence for _, _, sentence in lines], np.array([x == "Yes" for x, _, _ in lines])


def _tried(p: Floats, sentences: list[str], labels: Flags) -> list[Figure]:
    asks = np.array(["?" in sentence for sentence in sentences])
    majority = max(labels.mean(), 1 - labels.mean())
    share = float(json.loads(WEIGHTS.read_text())["requests"])
    adapted = _of_share(p, share, _share(p, share))
    rates = {
        "accuracy": ((p >= request.THRESHOLD) == labels).mean(),
        "accuracy, majority": majority,
        "accuracy, question mark": (asks == labels).mean(),
        "AUC": roc_auc_score(labels, p),
        "AUC, question mark": roc_auc_score(labels, asks),
        "precision": labels[p >= request.THRESHOLD].mean(),
        "recall": (p[labels] >= request.THRESHOLD).mean(),
        "log loss": log_loss(labels, p),
        "expected calibration error, 10 bins": _calibration_error(p, labels),
        "the same, of right probabilities": _calibration_error_by_chance(p),
        "the same, adapted to the share of requests": _calibration_error(adapted, labels),
        "the same, of right probabilities so adapted": _calibration_error_by_chance(adapted),
        "share of requests, learnt from": share,
        "share of requests, held out": labels.mean(),
        "share of requests, held out, estimated": _share(p, share),
    }
    command = f"{COMMAND} --keep"
    return [
        measured("request: held-out sentences", len(labels), "sentences", command),
        *(measured(f"request: {name}", float(value), "", command) for name, value in rates.items()),
    ]


def _calibration_error(p: Floats, labels: Flags) -> float:
    """Return the mean distance of what was said from what was, over bins of equal width."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == n).mean() * abs(p[bins == n].mean() - labels[bins == n].mean())
        for n in range(BINS)
        if (bins == n).any()
    ]
    return float(sum(gaps))


def _calibration_error_by_chance(p: Floats) -> float:
    """Return the mean error of probabilities that are right, by chance alone."""
    random = np.random.default_rng(0)
    return float(np.mean([_calibration_error(p, random.random(len(p)) < p) for _ in range(DRAWS)]))


def _share(p: Floats, learnt: float) -> float:
    """Return the share of requests that makes the probabilities agree with it."""
    share = learnt
    for _ in range(ROUNDS):
        share = float(_of_share(p, learnt, share).mean())
    return share


def _of_share(p: Floats, learnt: float, share: float) -> Floats:
    """Return the probabilities as they are where another share are requests."""
    yes, no = p * share / learnt, (1 - p) * (1 - share) / (1 - learnt)
    return np.asarray(yes / (yes + no), dtype=np.float64)


if __name__ == "__main__":
    main()
