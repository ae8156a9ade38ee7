"""What is learnt from labelled sentences says how likely a request is, and not too boldly."""

from math import exp, log

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.request import fit
from transforms.request import features

WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("al", "el", "il", "ol", "ul")]


BATCHES = 5


def company_mail(count, seed):
    """Sentences in batches, of six words of its own; each makes a request likelier or less."""
    random = np.random.default_rng(seed)
    odds = dict(zip(WORDS, np.random.default_rng(0).normal(0, 1, len(WORDS)), strict=True))
    drawn = [
        [str(word) for word in random.choice(WORDS[number * BATCHES // count :: BATCHES], 6)]
        for number in range(count)
    ]
    truth = [1 / (1 + exp(-sum(odds[word] for word in words))) for words in drawn]
    return [" ".join(words) for words in drawn], [bool(random.random() < p) for p in truth]


def test_its_log_odds_are_neither_timid_nor_bold():
    weights = fit(*company_mail(900, seed=1))
    sentences, is_request = company_mail(4_000, seed=2)
    told = [
        weights[""] + sum(weights.get(name, 0.0) for name in set(features(sentence)))
        for sentence in sentences
    ]
    held = LogisticRegression(C=1e6).fit(np.array(told)[:, None], is_request)
    assert abs(log(held.coef_[0, 0])) < log(1.25)
    assert abs(held.intercept_[0]) < 0.25
