"""The worlds that the judge is tried on, and what it must say of each, fixed before any run.

docs/roi-evaluation.md is the same table in words, with the reasons; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Expected = Literal["told", "pays off", "null", "not paying", "flagged", "warned", "refused", "wide"]
"""What a scenario demands.

- told: the effect is estimated (bias, coverage), and seldom warned of;
- pays off: said in most cases;
- null: told, in outcome units, and seldom called paying;
- not paying: seldom called paying, whatever else;
- flagged: told, or, where the bias is more than the aim, warned of or refused;
- warned: warned of or refused in most cases;
- refused: always;
- wide: the interval covers at least as often as it says; seldom called paying where null.
"""

STAGGERED: Final[Mapping[str, Any]] = {"kind": "training", "effect": 2.0}
TILTED: Final = {"trend_by_skill": 0.006}
STEEP: Final = {"trend_by_skill": 0.015, "growth_log": 0.01}


@dataclass(frozen=True, kw_only=True)
class World:
    """One scenario.

    Attributes:
        name: in tables and files.
        identified: whether design and data given suffice, in principle.
        investment: knobs of `simulator.scenario.Programme`; other groups in `company`.
        covariates: columns that the judge is told to use.
        reliability: what the asker states of them; empty where nothing is stated.
        columns: what the panel has beside unit, period, outcome, start, team and region.
        reps: seats; every world has 36 months.
        is_judged_to_the_stop: the estimand is the effect until the stop, not ever after.
        beside: knobs of another investment at the same time, of which the panel tells when it began
            (`other_start`), and which the truth has in both of its worlds.
    """

    name: str
    identified: bool
    expected: Expected
    investment: Mapping[str, Any] = field(default_factory=lambda: STAGGERED)
    company: Mapping[str, Any] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    reliability: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    reps: int = 200
    is_judged_to_the_stop: bool = False
    beside: Mapping[str, Any] | None = None

    @property
    def knobs(self) -> dict[str, Any]:
        """The scenario as `simulator.scenario_file.scenario_of` takes it."""
        return {**self.company, "investments": self.investments(self.investment)}

    def investments(self, first: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the knobs of all investments, with other ones for the first."""
        return [dict(first), *([{**self.beside, "id": "INV-02"}] if self.beside else [])]


MONTHS: Final = 36
FIRST_SEED: Final = 20_000
PILOT_SEED: Final = 900_000
POWER: Final = "twice the MDE"
CALIBRATION: Final = "calibration"
CLEAN: Final = "clean"


def _world(
    name: str,
    expected: Expected,
    *,
    identified: bool = True,
    company: Mapping[str, Any] | None = None,
    on_proxy: bool = False,
    stated: float | None = None,
    columns: tuple[str, ...] = (),
    reps: int = 200,
    to_the_stop: bool = False,
    beside: Mapping[str, Any] | None = None,
    **investment: Any,  # noqa: ANN401 a knob of any type
) -> World:
    return World(
        name=name,
        identified=identified,
        expected=expected,
        investment={**STAGGERED, **investment},
        company=company or {},
        covariates=("skill_proxy",) if on_proxy else (),
        reliability={} if stated is None else {"skill_proxy": stated},
        columns=(*columns, *(("skill_proxy",) if on_proxy else ())),
        reps=reps,
        is_judged_to_the_stop=to_the_stop,
        beside=beside,
    )


def _seen(noise: float, market: Mapping[str, float]) -> dict[str, Any]:
    """Return a company whose skill is seen through a proxy of reliability 1 / (1 + noise^2)."""
    return {"people": {"proxy_noise": noise}, "market": market}


_REGION: Final[dict[str, Any]] = {"roll_out": "one_region", "starts": [18], "share": 1.0}

WORLDS: Final[tuple[World, ...]] = (
    _world(CLEAN, "told"),
    _world(POWER, "pays off"),
    _world("skill, proxy 1.0", "told", company=_seen(0.0, TILTED), on_proxy=True, stated=1.0,
           on_skill=2.0),
    _world("skill, proxy 0.8", "flagged", company=_seen(0.5, TILTED), on_proxy=True, on_skill=2.0),
    _world("skill, proxy 0.5", "flagged", identified=False, company=_seen(1.0, TILTED),
           on_proxy=True, on_skill=2.0),
    _world("skill, proxy 0.8, stated", "told", company=_seen(0.5, TILTED), on_proxy=True,
           stated=0.8, on_skill=2.0),
    _world("skill, proxy 0.5, stated", "flagged", company=_seen(1.0, TILTED), on_proxy=True,
           stated=0.5, on_skill=2.0),
    _world("recent results", "warned", identified=False, on_recent=3.0),
    _world("hidden trend", "warned", identified=False, company={"market": STEEP}, on_skill=2.0),
    _world("observed trend", "told", company=_seen(0.0, STEEP), on_proxy=True, stated=1.0,
           on_skill=2.0),
    _world("null", "null", effect=0.0),
    _world("null, hidden trend", "not paying", identified=False, company={"market": STEEP},
           on_skill=2.0, effect=0.0),
    _world("null, observed trend", "null", company=_seen(0.0, STEEP), on_proxy=True, stated=1.0,
           on_skill=2.0, effect=0.0),
    _world("harmful", "not paying", effect=-2.0),
    _world("reversible", "told", kind="tool", effect=0.5, roll_out="reversible", lasts_months=6,
           columns=("stop",), to_the_stop=True),
    _world("all at once", "refused", identified=False, roll_out="all_at_once", starts=[18],
           share=1.0),
    _world("one region", "wide", **_REGION),
    _world("one region, null", "wide", effect=0.0, **_REGION),
    _world("spif", "not paying", kind="spif", effect=0.6, roll_out="reversible", lasts_months=2,
           columns=("stop",)),
    _world("spillover", "warned", identified=False, share=0.8, spillover=1.0),
    _world("spillover, half reached", "warned", identified=False, spillover=1.6),
    _world("most reached", "told", share=0.8),
    _world("anticipation", "flagged", identified=False, anticipation=-0.6, anticipation_months=3),
    _world("attrition", "flagged", identified=False,
           company={"people": {"attrition_rate": 0.02, "attrition_on_results": 1.5}}),
    _world("ramp and decay", "told", effect=3.0, ramp_months=6, half_life_months=8.0),
    _world("cohorts differ", "told", effect=1.5, cohort_step=0.5),
    _world("dose", "told", dose_sd=0.6, half_dose=1.0, columns=("dose",)),
    _world("two at once", "warned", identified=False, columns=("other_start",),
           beside={"kind": "training", "effect": 1.5}),
    _world("small", "told", reps=40),
    _world("small, null", "null", reps=40, effect=0.0),
    _world(CALIBRATION, "told", cost_per_month=8_000.0),
)  # fmt: skip
"""Every scenario, in the order of the page. The effect of `POWER` is set by a pilot; that of
`CALIBRATION` is drawn anew for each seed."""


def world_of(name: str) -> World:
    """Return a scenario by its name."""
    return next(world for world in WORLDS if world.name == name)
