"""After it: what came of the end of it, and how much drift the effect would survive."""

from models.comparison import Comparison
from models.diagnostics.before import Drift
from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.imputation import mean_gain
from models.score import t_test


def pull_forward(found: Comparison) -> Suspicion:
    """Test that what was sold while it lasted was not merely sold sooner."""
    cells = found.wake
    gain = mean_gain(found.model, cells)
    statistic, p_value = t_test(gain.value, gain.influence, found.freedom)
    if statistic > 0 or not cells.any():
        p_value = 1.0
    net = found.gain.value * found.gain.cells + gain.value * gain.cells
    kept = net / (found.gain.value * found.gain.cells) if found.gain.value else 0.0
    return suspicion(
        "pull_forward",
        statistic,
        p_value,
        quiet="The months after the end of it were not worse than expected.",
        alarm=(
            f"The months after the end of it fell short (p = {p_value:.3f}): sales were pulled "
            f"forward. Over both, {kept:.0%} of the effect is left."
        ),
    )


def sensitivity(found: Comparison, drift: Drift) -> Diagnostic:
    """Say how much unequal drift the effect survives, beside what the months before rule out.

    A linear form of bounds on violations of parallel trends (Rambachan and Roth, Review of Economic
    Studies 90, 2023): the drift a year that would take the effect to nothing, over the largest that
    the months before leave possible. Above 1 the sign stands whatever drift hid there.
    """
    ratio = drift.survived_by(found.gain.value)
    return Diagnostic(
        name="sensitivity",
        verdict="pass",
        statistic=ratio,
        words=(
            "The sign of the effect stands even if the largest drift that the months before can't "
            f"rule out had gone on: it would take {ratio:.1f} times as much."
            if ratio > 1
            else f"A drift {ratio:.0%} as large as the months before can't rule out would be "
            "enough to feign the whole effect: it rests on those reached moving like the others."
        ),
    )
