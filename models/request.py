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

from transforms.request import features

MIN_SENTENCES: Final = 2  # a feature that fewer sentences hold is left out
FOLDS: Final = 5
_DIGITS: Final = 3


def fit(sentences: Sequence[str], is_request: Sequence[bool]) -> dict[str, float]:
    """Return the weight of each feature, and of `""` the intercept.

    The penalty is chosen by cross-validated log loss among the sentences given: no other is seen.
    """
    vocabulary = _vocabulary(sentences)
    table = _table(sentences, vocabulary)
    search = LogisticRegressionCV(
        Cs=np.logspace(-2, 1, 10), cv=FOLDS, scoring="neg_log_loss", max_iter=2_000,
        l1_ratios=(0.0,), use_legacy_attributes=False,
    )  # fmt: skip
    found = search.fit(table, np.asarray(is_request))
    model = LogisticRegression(C=float(np.ravel(found.C_)[0]), max_iter=2_000)
    model.fit(table, np.asarray(is_request))
    weights = zip(vocabulary, model.coef_[0], strict=True)
    learnt = {name: round(float(weight), _DIGITS) for name, weight in weights}
    kept = {name: weight for name, weight in learnt.items() if weight}
    return {"": round(float(model.intercept_[0]), _DIGITS)} | dict(sorted(kept.items()))


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
