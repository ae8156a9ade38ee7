"""A mixed-integer linear programme, column by column and row by row, solved by HiGHS (in scipy)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.solver_output import without_stray_lines

Array = npt.NDArray[np.float64]
_GAP: Final = 1e-6
_SECONDS: Final = 20.0


class Solution(NamedTuple):
    """The best that was found: a value by column.

    Attributes:
        is_proven: whether nothing better by more than one in a million is possible.
    """

    values: Array
    is_proven: bool


class Programme:
    """Maximises a sum over columns, under rows that bound other sums over columns.

    The sum is scaled by its largest part, so that returns which are all tiny still decide.
    """

    def __init__(self) -> None:
        self._low: list[float] = []
        self._high: list[float] = []
        self._whole: list[int] = []
        self._rows: list[tuple[Mapping[int, float], float, float]] = []

    def column(self, low: float = 0.0, high: float = float("inf"), *, whole: bool = False) -> int:
        """Add a column between two bounds; return its number."""
        self._low.append(low)
        self._high.append(high)
        self._whole.append(int(whole))
        return len(self._low) - 1

    def row(
        self,
        terms: Mapping[int, float],
        low: float = float("-inf"),
        high: float = float("inf"),
    ) -> None:
        """Hold the sum of weight x column between two bounds."""
        self._rows.append((terms, low, high))

    def maximise(self, gains: Mapping[int, float]) -> Solution | None:
        """Return the best solution; None if no solution keeps all rows."""
        from scipy import optimize  # noqa: PLC0415 takes a moment; most processes never plan

        scale = max(map(abs, gains.values()), default=1.0) or 1.0
        cost = np.array([-gains.get(c, 0.0) / scale for c in range(len(self._low))])
        with without_stray_lines():
            answer: Any = optimize.milp(
                cost,
                constraints=optimize.LinearConstraint(*self._matrix()),
                bounds=optimize.Bounds(np.array(self._low), np.array(self._high)),
                integrality=np.array(self._whole),
                options={"mip_rel_gap": _GAP, "time_limit": _SECONDS},
            )
        return None if answer.x is None else Solution(answer.x, is_proven=answer.status == 0)

    def _matrix(self) -> tuple[Any, Array, Array]:
        from scipy import sparse  # noqa: PLC0415

        rows = [row for row, (terms, _, _) in enumerate(self._rows) for _ in terms]
        columns = [column for terms, _, _ in self._rows for column in terms]
        values = [weight for terms, _, _ in self._rows for weight in terms.values()]
        shape = (len(self._rows), len(self._low))
        matrix = sparse.csr_array((values, (rows, columns)), shape=shape)
        return matrix, np.array([r[1] for r in self._rows]), np.array([r[2] for r in self._rows])
