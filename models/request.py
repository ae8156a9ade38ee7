"""Learns to tell a request from labelled sentences: n-grams of words, logistic regression.

scikit-learn fits; what is learnt is a table of weights that `transforms.request` reads without it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from transforms.request import features

MIN_SENTENCES: Final = 2  # a feature that fewer sentences hold is left out
FOLDS: Final = 5
_DIGITS: Final = 3
_UNPENALISED: Final = 1e6


def fit(sentences: Sequence[str], is_request: Sequence[bool]) -> dict[str, float]:
    """Return the weight of each feature, and of `""` the intercept.

    Only the sentences given are seen. The penalty is chosen by the log loss over stretches of them,
    in their order: neighbours are of one batch, and what is asked for is another. So strong a
    penalty makes the probabilities timid, which Platt's scaling (1999) undoes.
    """
    vocabulary = _vocabulary(sentences)
    table, labels = _table(sentences, vocabulary), np.asarray(is_request)
    search = LogisticRegressionCV(
        Cs=np.logspace(-2, 1, 10), cv=FOLDS, scoring="neg_log_loss", max_iter=2_000,
        l1_ratios=(0.0,), use_legacy_attributes=False,
    )  # fmt: skip
    found = search.fit(table, labels)
    model = LogisticRegression(C=float(np.ravel(found.C_)[0]), max_iter=2_000)
    slope, offset = _scale(model, table, labels, [" ".join(features(s)) for s in sentences])
    model.fit(table, labels)
    weights = zip(vocabulary, slope * model.coef_[0], strict=True)
    learnt = {name: round(float(weight), _DIGITS) for name, weight in weights}
    kept = {name: weight for name, weight in learnt.items() if weight}
    intercept = slope * float(model.intercept_[0]) + offset
    return {"": round(intercept, _DIGITS)} | dict(sorted(kept.items()))


def _scale(
    model: LogisticRegression, table: csr_matrix, labels: NDArray[np.bool_], texts: list[str]
) -> tuple[float, float]:
    """Return the slope and offset that make the scores of sentences left out log odds.

    The folds are drawn at random; equal texts share one.
    """
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(
        model, table, labels, groups=texts, cv=folds, method="decision_function"
    )
    scaled = LogisticRegression(C=_UNPENALISED).fit(scores[:, None], labels)
    return float(scaled.coef_[0, 0]), float(scaled.intercept_[0])


def _vocabulary(sentences: Sequence[str]) -> list[str]:
    counts = Counter(name for sentence in sentences for name in set(features(sentence)))
    return sorted(name for name, count in counts.items() if count >= MIN_SENTENCES)


def _table(sentences: Sequence[str], vocabulary: Sequence[str]) -> csr_matrix:
    """Return a row per sentence, a column per feature: 1 where it holds it."""
    column = {name: number for number, name in enumerate(vocabulary)}
    rows = [sorted({column[n] for n in features(s) if n in column}) for s in sentences]
    starts: NDArray[np.int64] = np.cumsum([0, *map(len, rows)])
    columns = np.array([each for row in rows for each in row], dtype=np.int64)
    shape = (len(sentences), len(vocabulary))
    return csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)
