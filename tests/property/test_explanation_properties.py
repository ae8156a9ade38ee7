"""The law of explanations: what a number is made of sums to it."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.explanation import SUMS_WITHIN, Contribution, Explanation

values = st.floats(-1e15, 1e15)
parts = st.lists(st.builds(Contribution, label=st.text(), value=values), max_size=30)
factors = st.floats(-1e6, 1e6)


def sums(explanation):
    largest = max([abs(explanation.number), *(abs(p.value) for p in explanation.contributions)])
    total = sum(part.value for part in explanation.contributions)
    return abs(total - explanation.number) <= 30 * SUMS_WITHIN * largest


@given(parts)
def test_contributions_sum_to_the_number(contributions):
    assert sums(Explanation.of("a score", "points", contributions))


@given(parts, factors)
def test_they_still_do_in_another_unit(contributions, factor):
    explanation = Explanation.of("a margin", "EUR", contributions)
    scaled = explanation.times(factor, "a return", "rate")
    assert sums(scaled)
    assert [part.label for part in scaled.contributions] == [part.label for part in contributions]


@given(parts, values)
def test_what_does_not_sum_cannot_be_made_or_read(contributions, more):
    explanation = Explanation.of("a score", "points", contributions)
    largest = max([1.0, abs(explanation.number), *(abs(p.value) for p in contributions)])
    assume(abs(more) > 1e-6 * largest)
    with pytest.raises(ValueError, match="a score is"):
        replace(explanation, number=explanation.number + more)
    told = msgspec.to_builtins(explanation) | {"number": explanation.number + more}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, Explanation)


@given(parts)
def test_an_explanation_that_is_written_and_read_is_the_same(contributions):
    explanation = Explanation.of("a score", "points", contributions, sql="SELECT 1")
    assert msgspec.json.decode(msgspec.json.encode(explanation), type=Explanation) == explanation


@given(parts)
def test_the_weightiest_comes_first(contributions):
    weights = [abs(p.value) for p in Explanation.of("it", "points", contributions).ranked]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_explains_nothing(value):
    with pytest.raises(ValueError, match="it is"):
        Explanation.of("it", "points", [Contribution(label="a", value=value)])
