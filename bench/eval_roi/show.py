"""What came out, as tables to read and as figures to keep; in major units a rep and month."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from rich.console import Console, Group
from rich.table import Table

from bench.eval_roi import score
from bench.eval_roi.scenarios import CALIBRATION, WORLDS, World, world_of
from bench.figures import Figure, measured

COMMAND: Final = "make eval-roi"
RIVALS: Final = ("before and after", "reached and not", "two-way fixed effects", "last touch")
_MINOR: Final = 100
_UNIT: Final = "USD a rep-month"


class Results:
    """The rows of all scenarios, scored."""

    def __init__(self, trials: pd.DataFrame) -> None:
        self._trials = trials
        self.worlds = [each for each in WORLDS if (trials["scenario"] == each.name).any()]
        self.clean_truth = score.clean_truth(trials)

    def rows(self, world: World) -> pd.DataFrame:
        """Return the rows of a scenario."""
        return self._trials[self._trials["scenario"] == world.name]

    def demands(self, world: World) -> list[score.Demand]:
        """Return what the scenario must show, and shows."""
        found, said = score.accuracy(self.rows(world)), score.said(self.rows(world))
        return list(score.demands(world, found, said, self.clean_truth))

    def calibration(self) -> list[score.Bin]:
        """Return the bins of P(ROI > 0)."""
        return score.calibration(self.rows(world_of(CALIBRATION)))


def figures(results: Results) -> Iterator[Figure]:
    """Yield every figure of every scenario, those without an aim too."""
    for world in results.worlds:
        found, said = score.accuracy(results.rows(world)), score.said(results.rows(world))
        yield from _estimated(world, found, results.clean_truth)
        yield from _rivals(world, results.rows(world))
        for verdict, share in said.shares.items():
            yield from _figure(world, verdict, share, "share")
        yield from _figure(world, "warned or refused", said.warned, "share")
        for each in results.demands(world):
            yield measured(
                f"{world.name}: demand: {each.name}", each.value, "share", COMMAND,
                at_most=each.at_most, at_least=each.at_least,
            )  # fmt: skip


def calibration_figures(results: Results) -> Iterator[Figure]:
    """Yield said and happened of each bin of P(ROI > 0), held against the binomial interval."""
    for each in results.calibration():
        name = f"P(ROI > 0) from {each.name}"
        yield measured(f"{name}: seeds", each.seeds, "seeds", COMMAND)
        if each.is_met is not None:
            yield measured(f"{name}: happened", each.happened, "share", COMMAND)
            yield measured(
                f"{name}: said",
                each.said,
                "share",
                COMMAND,
                at_least=round(each.low, 4),
                at_most=round(each.high, 4),
            )


def shown(results: Results) -> Group:
    """Return all tables."""
    return Group(_accuracies(results), _rival_table(results), _verdicts(results), _bins(results))


def print_all(results: Results, console: Console | None = None) -> None:
    """Print what was found, the misses last and by name."""
    console = console or Console(width=150)
    console.print(shown(results))
    misses = [
        f"{world.name}: {each.name} {each.value:.3f}, aim {each.aim}"
        for world in results.worlds
        for each in results.demands(world)
        if not each.is_met
    ]
    console.print(f"{len(misses)} demands missed" + "".join(f"\n  {miss}" for miss in misses))


def _estimated(world: World, found: score.Accuracy, clean_truth: float) -> Iterator[Figure]:
    low, high = score.wilson(found.coverage, found.told)
    relative = score.relative_bias(world, found, clean_truth)
    yield from _figure(world, "seeds", found.seeds, "seeds")
    yield from _figure(world, "seeds without an estimate", found.missing, "seeds")
    for name, value in (("truth", found.truth), ("bias", found.bias), ("RMSE", found.rmse),
                        ("standard error of the bias", found.bias_error),
                        ("mean width of the interval", found.width)):  # fmt: skip
        yield from _figure(world, name, value / _MINOR, _UNIT)
    yield from _figure(world, "bias, of the truth", relative, "share")
    yield from _figure(world, "coverage", found.coverage, "share")
    yield from _figure(world, "coverage, binomial interval, low", low, "share")
    yield from _figure(world, "coverage, binomial interval, high", high, "share")
    yield from _figure(world, "sign errors", found.sign_errors, "share")


def _rivals(world: World, rows: pd.DataFrame) -> Iterator[Figure]:
    for name in RIVALS:
        claimed = score.of_rival(rows, name)
        yield from _figure(world, f"{name}: bias", claimed.bias / _MINOR, _UNIT)
        yield from _figure(world, f"{name}: RMSE", claimed.rmse / _MINOR, _UNIT)
        yield from _figure(world, f"{name}: coverage", claimed.coverage, "share")


def _figure(world: World, name: str, value: float, unit: str) -> Iterator[Figure]:
    """Yield a figure, or none where there is nothing to say: JSON knows no NaN."""
    if np.isfinite(value):
        yield measured(f"{world.name}: {name}", value, unit, COMMAND)


def _accuracies(results: Results) -> Table:
    table = Table("scenario", "n", "none", "truth", "bias ± se", "of truth", "RMSE", "coverage",
                  "width", "sign errors", title="The judge's estimate", box=None)  # fmt: skip
    for world in results.worlds:
        found = score.accuracy(results.rows(world))
        low, high = score.wilson(found.coverage, found.told)
        table.add_row(
            world.name, str(found.seeds), str(found.missing), _money(found.truth),
            f"{_money(found.bias)} ± {_money(found.bias_error)}",
            f"{score.relative_bias(world, found, results.clean_truth):+.1%}", _money(found.rmse),
            f"{found.coverage:.3f} ({low:.2f}-{high:.2f})", _money(found.width),
            f"{found.sign_errors:.1%}",
        )  # fmt: skip
    return table


def _rival_table(results: Results) -> Table:
    table = Table("scenario", "truth", "judge", *RIVALS, title="Bias, and RMSE", box=None)
    for world in results.worlds:
        rows = results.rows(world)
        own = score.accuracy(rows)
        everybody = [own, *(score.of_rival(rows, name) for name in RIVALS)]
        cells = [f"{_money(each.bias)} ({_money(each.rmse)})" for each in everybody]
        table.add_row(world.name, _money(own.truth), *cells)
    return table


def _verdicts(results: Results) -> Table:
    table = Table("scenario", "n", *score.VERDICTS, "warned or refused", "demand", "met",
                  title="What a leader reads", box=None)  # fmt: skip
    for world in results.worlds:
        said = score.said(results.rows(world))
        met = all(each.is_met for each in results.demands(world))
        shares = [f"{share:.0%}" for share in said.shares.values()]
        table.add_row(world.name, str(said.seeds), *shares, f"{said.warned:.0%}", world.expected,
                      "yes" if met else "NO")  # fmt: skip
    return table


def _bins(results: Results) -> Table:
    table = Table("P(ROI > 0)", "seeds", "said", "happened", "interval", "met", box=None,
                  title="Whether the chance of a return is one")  # fmt: skip
    for each in results.calibration():
        met = {True: "yes", False: "NO", None: "few"}[each.is_met]
        table.add_row(each.name, str(each.seeds), f"{each.said:.2f}", f"{each.happened:.2f}",
                      f"{each.low:.2f}-{each.high:.2f}", met)  # fmt: skip
    return table


def _money(minor: float) -> str:
    return f"{minor / _MINOR:,.0f}"
