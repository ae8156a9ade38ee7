"""Companies for tests of the simulator."""

from simulator.company import live
from simulator.pipeline import Pipeline
from simulator.scenario_file import scenario_of
from simulator.stock import StockEngine


def scenario_with(*investments, **knobs):
    return scenario_of({**knobs, "investments": list(investments)})


def panel_history(*investments, reps=200, months=36, seed=1, **knobs):
    return live(scenario_with(*investments, **knobs), reps, months, seed, StockEngine)


def deal_history(*investments, reps=200, months=36, seed=1, **knobs):
    """Return the history with its deals and their months."""
    made = []

    def follow(*arguments):
        made.append(Pipeline(*arguments))
        return made[0]

    history = live(scenario_with(*investments, **knobs), reps, months, seed, follow)
    return history, made[0].deals, made[0].deal_months
