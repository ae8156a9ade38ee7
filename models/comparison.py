"""The effect of a panel: the untreated as they were fitted, the treated as they stand out."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.design import Design, Requirements
from models.effect import Estimate, NotEstimable, estimate_of
from models.grid import Flags, Grid
from models.imputation import Fit, Mean, fit, mean_gain, predictable
from models.score import added

ADDITIVE: Final = "imputation/additive"
PROPORTIONAL: Final = "imputation/proportional"
_PAST: Final = 3
_QUIET: Final = 3
_MOST: Final = 0.9
_NOTHING: Final = 1e-9
_HALF_WAY: Final = 0.5
_MORE_IDLE: Final = 0.25
_SURELY: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the effect rests on.

    Attributes:
        model: fitted to the untreated cells but those just before a start.
        cells: the treated cells that somebody can be compared with (n x T).
        just_before: the cells left out before a start (n x T).
        gain: their mean beyond expectation.
        quiet: how many periods before a start that is.
        freedom: degrees of freedom of any t.
    """

    model: Fit
    cells: Flags
    just_before: Flags
    quiet: int
    gain: Mean
    freedom: int

    @property
    def wake(self) -> Flags:
        """The months right after a stop, neither under it nor free of it, that can be compared."""
        grid = self.model.grid
        after = grid.settled & ~grid.treated & ~grid.untreated
        return predictable(self.model.untreated, after, past=_PAST, others=_PAST)

    @property
    def net(self) -> Estimate:
        """The effect with what the months after a stop gave back, per treated unit and period.

        Where nothing stops it is the effect.
        """
        both = mean_gain(self.model, self.cells | self.wake)
        times = both.cells / self.gain.cells
        return estimate_of("net", both.value * times, both.std_error() * times, self.freedom)

    @property
    def estimate(self) -> Estimate:
        """The effect with its interval."""
        name = PROPORTIONAL if self.model.is_proportional else ADDITIVE
        return estimate_of(name, self.gain.value, self.gain.std_error(), self.freedom)


def compared(grid: Grid, design: Design, required: Requirements) -> Comparison:
    """Compare the treated cells with what the untreated let expect.

    The last quarter before a start does not count as before: people are chosen for recent results,
    and act on what is coming. It is shorter where there is little before at all, and counts where
    nobody else is left to compare the earlier reached with. Nor does what follows a stop, on the
    same terms: what was learned or bought may outlast it, however long one waits.

    Raises:
        NotEstimable: if those reached had not begun before, if most of the treated cells have
            nobody to compare with, or if nothing varies, or numbers are too large.
    """
    _refuse_beginners(grid)
    quiet = min(_QUIET, design.pre_periods // 4)
    lead = (grid.since < 0) & (grid.since >= -quiet)
    near = _left_out(grid, grid.untreated, lead, required.units)
    after = _left_out(grid, grid.untreated & ~near, grid.since >= 0, required.units)
    model = _model(grid, grid.untreated & ~near & ~after)
    cells = predictable(model.untreated, grid.treated, past=_PAST, others=required.units)
    _refuse_guesses(int(cells.sum()), int(grid.treated.sum()), required)
    gain = mean_gain(model, cells)
    if not np.isfinite(gain.std_error()):
        raise NotEstimable("The outcome has numbers too large to reckon with: is it in its unit?")
    if gain.std_error() <= _NOTHING * float(np.abs(grid.outcome).mean()):
        raise NotEstimable("The outcome does not vary enough to estimate an effect and its error.")
    return Comparison(
        model=model,
        cells=cells,
        just_before=near,
        quiet=quiet if near.any() else 0,
        gain=gain,
        freedom=_freedom(gain, cells, grid, design.control_units),
    )


def _freedom(gain: Mean, cells: Flags, grid: Grid, controls: int) -> int:
    """Return the degrees of freedom of a difference of two groups' means.

    Each group's share v of the variance of the effect has its own n - 1 (Welch, Biometrika 34,
    1947): 1 / sum of v^2 / (n - 1). Where one group's luck is nearly all, it is that group's.
    """
    under = np.isin(grid.cluster, grid.cluster[cells.any(axis=1)])
    reached, others = (len(np.unique(grid.cluster[group])) for group in (under, ~under))
    square = gain.influence**2
    own = square[under].sum() / square.sum()
    parts = own**2 / max(reached - 1, 1) + (1 - own) ** 2 / max(min(others, controls) - 1, 1)
    return max(int(1 / parts), 1)


def _left_out(grid: Grid, untreated: Flags, when: Flags, others: int) -> Flags:
    """Return the untreated cells of the reached then; none where most effects rest on them."""
    out = untreated & grid.reached[:, None] & when
    all_told = predictable(untreated, grid.treated, past=_PAST, others=others)
    less_told = predictable(untreated & ~out, grid.treated, past=_PAST, others=others)
    is_dear = less_told.sum() < _MOST * all_told.sum()
    return np.zeros_like(out) if is_dear else out


def _refuse_beginners(grid: Grid) -> None:
    """Refuse where far more of the reached than of the others had nothing before anybody was.

    They had not begun: a level of nothing grows by nothing, and all that came since would be an
    effect.
    """
    early = grid.untreated & (np.arange(len(grid.periods)) < grid.start.min())
    there = early.any(axis=1)
    idle = ~(early & (grid.outcome != 0)).any(axis=1)
    reached, others = (idle[there & side] for side in (grid.reached, ~grid.reached))
    if not (len(reached) and len(others)):
        return
    both = float(idle[there].mean())
    chance = both * (1 - both) * (1 / len(reached) + 1 / len(others))
    if reached.mean() - others.mean() > max(_MORE_IDLE, _SURELY * chance**0.5):
        raise NotEstimable(
            f"{reached.mean():.0%} of those reached had nothing at all before anybody was reached, "
            f"of the others {others.mean():.0%}: they had not begun, and all that came since would "
            "count as a return."
        )


def _refuse_guesses(covered: int, wanted: int, required: Requirements) -> None:
    if covered == 0 or covered < required.covered_rate * wanted:
        raise NotEstimable(
            f"Only {covered} of {wanted} months after the start have somebody to compare with: "
            "most of the return would be a guess."
        )


def _model(grid: Grid, untreated: Flags) -> Fit:
    """Fit the form that the untreated show.

    Additive with covariates: their trends in proportion would be carried far beyond what the
    compared have shown. Without them, proportional where seasons and growth scale with a unit's
    level (Tukey's test of one degree of freedom, Biometrics 5, 1949), additive where they do not.
    """
    additive = fit(grid, proportional=False, untreated=untreated)
    if grid.features.shape[1] > 1 or (grid.outcome < 0).any() or not _scales(additive):
        return additive
    return fit(grid, proportional=True, untreated=untreated)


def _scales(additive: Fit) -> bool:
    """Tell whether shocks scale with levels: by half or more of what proportion would have."""
    seen = additive.untreated
    expected = np.where(seen, additive.expected, 0.0)
    level = expected.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    middle = float(expected.sum() / seen.sum())
    shock = (additive.expected - level[:, None]).mean(axis=0)
    product = added(additive, (level - middle)[:, None] * shock)
    return bool(product.coefficient * middle > _HALF_WAY)
