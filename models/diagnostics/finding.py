"""What a diagnostic says, and how many may raise their voice by chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Word = Literal["pass", "warn", "refuse", "not_possible"]


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One finding.

    Attributes:
        name: stable, for counting (`pre_trend`).
        verdict: `refuse` where the effect cannot be told, `warn` where it must be read with care,
            `not_possible` where the panel does not hold what the diagnostic needs.
        words: for a sales leader.
        statistic, p_value: of its test, where it is one.
    """

    name: str
    verdict: Word
    words: str
    statistic: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A test whose alarm must be weighed against all others'.

    Attributes:
        quiet: its finding while it does not reject.
        alarm: its finding when it does.
        weight: its part of the rate of false alarms, relative to the others'.
    """

    quiet: Diagnostic
    alarm: Diagnostic
    weight: float = 1.0


def weighed(tests: Sequence[Suspicion], alarm_rate: float) -> list[Diagnostic]:
    """Return each test's finding, so that all of a sound panel stay quiet but in `alarm_rate`.

    Holm's step-down (Scandinavian Journal of Statistics 6, 1979), weighted: whatever the tests'
    dependence, the chance that any of them raises a false alarm is at most the rate.
    """
    order = sorted(tests, key=_scaled)
    left = sum(test.weight for test in tests)
    alarmed: set[str] = set()
    for test in order:
        if _scaled(test) * left > alarm_rate:
            break
        alarmed.add(test.quiet.name)
        left -= test.weight
    return [test.alarm if test.quiet.name in alarmed else test.quiet for test in tests]


def _scaled(test: Suspicion) -> float:
    p_value = 1.0 if test.quiet.p_value is None else test.quiet.p_value
    return p_value / test.weight


def suspicion(  # noqa: PLR0913 the fields of a test, by name
    name: str,
    statistic: float,
    p_value: float,
    *,
    quiet: str,
    alarm: str,
    weight: float = 1.0,
    loud: Word = "warn",
) -> Suspicion:
    """Return a test whose alarm warns, or refuses."""
    calm = Diagnostic(name=name, verdict="pass", words=quiet, statistic=statistic, p_value=p_value)
    return Suspicion(quiet=calm, alarm=replace(calm, verdict=loud, words=alarm), weight=weight)
