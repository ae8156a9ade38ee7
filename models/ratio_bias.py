"""By how much the proportional form expects too much, because it divides by what was sold by luck.

What the compared sold after over what they sold before is, by chance in the divisor, too large on
average, the more so the fewer and the lumpier they are; and the effect too small. To second order
in that chance, the bias of a function of the clusters' weights w is the infinitesimal jackknife's,

    1/2 sum over clusters c of its second derivative by w_c

(Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 6): what Quenouille's
jackknife takes out (Biometrika 43, 1956), without refits. The shocks d solve a Poisson score with
levels profiled out, so that a unit's months share its total as p = exp(d) / sum exp(d). With H the
curvature, s_c and H_c a cluster's part of score and curvature, the shocks' derivatives are

    d'  = a_c = H^-1 s_c
    d'' = H^-1 (-2 H_c a_c - sum over units of total * p * ((a_c - p.a_c)^2 - its mean under p))

and only A = sum of a_c a_c' is needed for the sums over clusters of what is square in a_c.
"""

from typing import Any

import numpy as np

_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Whole = np.ndarray[Any, np.dtype[np.int64]]


def surplus(residual: _Floats, weight: _Floats, curvature: _Floats, cluster: _Whole) -> _Floats:
    """Return the share by which each cell's expectation is too large on average (n x T).

    Args:
        residual: outcome less expectation in untreated cells, 0 elsewhere (n x T).
        weight: the expectation in untreated cells, 0 elsewhere (n x T).
        curvature: of the shocks, levels profiled out (T x T).
        cluster: whose luck counts as one (n).
    """
    told, code = np.unique(cluster, return_inverse=True)
    score = np.zeros((len(told), residual.shape[1]))
    np.add.at(score, code, residual)
    shift = np.linalg.solve(curvature, score.T).T
    spread = shift.T @ shift
    total = weight.sum(axis=1, keepdims=True)
    share = weight / np.where(total > 0, total, 1)
    bent = np.diag(spread) - 2 * share @ spread
    own = shift[code]
    pull = weight * (2 * own + bent)
    pull -= share * pull.sum(axis=1, keepdims=True)
    much = own + bent / 2 - np.linalg.solve(curvature, pull.sum(axis=0)) / 2
    return np.asarray(much - (share * much).sum(axis=1, keepdims=True))
