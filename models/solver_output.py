"""Keeps the solver's stray line from whoever reads the standard output, and loses nothing else.

HiGHS 1.12 writes one line to the process's standard output whatever it is told (ERGO-Code/HiGHS
issue 2783), below Python, so that a JSON line of a command could have it in its midst.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Lock
from typing import Final

STRAY: Final = b"HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();"
_OUT: Final = 1
_ALONE: Final = Lock()


@contextmanager
def without_stray_lines() -> Iterator[None]:
    """Hold the standard output back, and write it when done, without the solver's stray lines.

    One solver at a time: the standard output is the process's.
    """
    with _ALONE, TemporaryFile() as held:
        _flush()
        out = os.dup(_OUT)
        os.dup2(held.fileno(), _OUT)
        try:
            yield
        finally:
            _flush()
            os.dup2(out, _OUT)
            os.close(out)
            held.seek(0)
            for line in held:
                if line.strip() != STRAY:
                    os.write(_OUT, line)


def _flush() -> None:
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
