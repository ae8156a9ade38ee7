"""Public studies with published answers, from the files themselves: no loader that may invent."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.crosssection import difference_of_means, doubly_robust
from models.synthetic import synthetic_control, synthetic_did
from tests.services import need

DATA = Path(os.environ.get("HEADWATER_DATA") or Path(__file__).parents[2] / "../shared/data")

pytestmark = [pytest.mark.data, pytest.mark.slow]


def data(path):
    need((DATA / path).is_file(), f"{DATA / path} is absent: set HEADWATER_DATA")
    return DATA / path


def test_proposition_99_is_reproduced_and_no_smaller_p_value_is_claimed():
    table = pd.read_csv(data("prop99/california_prop99.csv"), sep=";")
    panel = table.set_axis(["unit", "period", "outcome", "treated"], axis=1)
    panel["start"] = np.where(panel["unit"] == "California", 1989, 0)
    assert len(panel) == 39 * 31
    found = synthetic_control(panel)
    assert found.effect == pytest.approx(-19.5, abs=0.05)
    assert found.p_value == pytest.approx(3 / 39)
    assert synthetic_did(panel) == pytest.approx(-15.60, abs=0.01)


@pytest.mark.parametrize(
    ("mail", "visit", "spend"), [("Mens", 0.0766, 0.770), ("Womens", 0.0452, 0.424)]
)
def test_hillstroms_experiment_is_reproduced_to_the_digit(mail, visit, spend):
    table = pd.read_csv(data("hillstrom/hillstrom.csv"))
    table = table[table["segment"].isin([f"{mail} E-Mail", "No E-Mail"])]
    reached = (table["segment"] != "No E-Mail").to_numpy()
    assert round(difference_of_means(table["visit"].to_numpy(), reached).effect, 4) == visit
    assert round(difference_of_means(table["spend"].to_numpy(), reached).effect, 3) == spend


def test_lalondes_training_is_told_with_a_trim_that_was_fixed_before():
    trained = pd.read_stata(data("lalonde/nsw_mixtape.dta")).query("treat == 1")
    people = pd.concat([trained, pd.read_stata(data("lalonde/cps_mixtape.dta"))])
    known = people[["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]].astype(
        float
    )
    known = known.assign(u74=known["re74"] == 0, u75=known["re75"] == 0).to_numpy(float)
    found = doubly_robust(people["re78"].to_numpy(float), people["treat"].to_numpy() == 1, known)
    assert found.low < 1_794.3 < found.high
    assert abs(found.effect - 1_794.3) < found.std_error
