"""The public studies: the digits that were published."""

import pytest

from bench.eval_roi.public import DATA, hillstrom, lalonde, proposition_99
from tests.services import need

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.mark.parametrize(
    ("study", "folder"),
    [(hillstrom, "hillstrom"), (proposition_99, "prop99"), (lalonde, "lalonde")],
)
def test_a_published_answer_is_found_again(study, folder):
    need((DATA / folder).is_dir(), f"{DATA / folder} is not here")
    figures = list(study())
    assert any(each.aim for each in figures)
    assert [each.metric for each in figures if each.met is False] == []
