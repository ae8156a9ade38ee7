"""Public studies with published answers, asked of the same estimators.

`python -m bench.eval_roi.public` writes `bench/results/eval-roi-public.json`; it reads the files of
`HEADWATER_DATA`, never a library's loader, which may return a stand-in where there is no network.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from bench.eval_roi.kept import ROOT
from bench.figures import Figure, measured, record
from models.crosssection import difference_of_means, doubly_robust
from models.synthetic import synthetic_control, synthetic_did

COMMAND: Final = "python -m bench.eval_roi.public"
DATA: Final = Path(os.environ.get("HEADWATER_DATA", ROOT.parent / "shared" / "data"))
EXPERIMENT: Final = 1_794.34
TRIM: Final = (0.1, 0.9)
"""Crump, Hotz, Imbens and Mitnik (Biometrika 96, 2009); fixed in docs/roi-evaluation.md."""

_HILLSTROM: Final = {
    ("Mens E-Mail", "visit"): (0.0766, 4),
    ("Mens E-Mail", "spend"): (0.770, 3),
    ("Womens E-Mail", "visit"): (0.0452, 4),
    ("Womens E-Mail", "spend"): (0.424, 3),
}
_BACKGROUND: Final = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


def main() -> None:
    figures = [*hillstrom(), *proposition_99(), *lalonde()]
    for each in figures:
        print(each.metric, each.value, each.aim, each.met)
    print(record("eval-roi-public", figures))


def hillstrom() -> Iterator[Figure]:
    """A randomised campaign: differences of means, held against the published digits."""
    table = pd.read_csv(DATA / "hillstrom" / "hillstrom.csv")
    for (mail, outcome), (published, digits) in _HILLSTROM.items():
        part = table[table["segment"].isin([mail, "No E-Mail"])]
        told = difference_of_means(
            part[outcome].to_numpy(dtype=float), (part["segment"] == mail).to_numpy()
        )
        half = 0.5 * 10**-digits
        name = f"Hillstrom, {mail}, {outcome}"
        yield measured(name, told.effect, "", COMMAND, at_least=published - half,
                       at_most=published + half)  # fmt: skip
        yield measured(f"{name}: standard error", told.std_error, "", COMMAND)


def proposition_99() -> Iterator[Figure]:
    """One treated state: synthetic difference-in-differences and synthetic control."""
    table = pd.read_csv(DATA / "prop99" / "california_prop99.csv", sep=";")
    panel = table.rename(columns={"State": "unit", "Year": "period", "PacksPerCapita": "outcome"})
    start = panel.loc[panel["treated"] == 1, "period"].min()
    panel["start"] = (panel["unit"] == "California") * start
    control = synthetic_control(panel)
    packs = "packs a head"
    yield measured("Proposition 99, synthetic difference-in-differences", synthetic_did(panel),
                   packs, COMMAND, at_least=-15.65, at_most=-15.55)  # fmt: skip
    yield measured("Proposition 99, synthetic control", control.effect, packs, COMMAND,
                   at_least=-19.8, at_most=-19.2)  # fmt: skip
    yield measured("Proposition 99, placebo p", control.p_value, "", COMMAND)


def lalonde() -> Iterator[Figure]:
    """The experiment's trainees beside controls of a survey: doubly robust, trimmed as fixed."""
    trained = pd.read_stata(DATA / "lalonde" / "nsw_mixtape.dta").query("treat == 1")
    people = pd.concat([trained, pd.read_stata(DATA / "lalonde" / "cps_mixtape.dta")])
    reached = (people["treat"] == 1).to_numpy()
    outcome = people["re78"].to_numpy(dtype=float)
    told = doubly_robust(outcome, reached, people[_BACKGROUND].to_numpy(dtype=float), trim=TRIM)
    name, dollars = "LaLonde, CPS controls", "USD"
    naive = outcome[reached].mean() - outcome[~reached].mean()
    yield measured(f"{name}: plain difference", naive, dollars, COMMAND)
    yield measured(f"{name}: effect", told.effect, dollars, COMMAND)
    yield measured(f"{name}: 95 % interval, low", told.low, dollars, COMMAND, at_most=EXPERIMENT)
    yield measured(f"{name}: 95 % interval, high", told.high, dollars, COMMAND,
                   at_least=EXPERIMENT)  # fmt: skip
    off = abs(told.effect - EXPERIMENT) / told.std_error
    yield measured(f"{name}: absolute bias", off, "standard errors", COMMAND, at_most=1)
    yield measured(f"{name}: trainees kept, of {reached.sum()}", told.kept_treated, "", COMMAND)


if __name__ == "__main__":
    main()
