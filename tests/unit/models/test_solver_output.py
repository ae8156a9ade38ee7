import ctypes
import os

import pytest

from models.solver_output import STRAY, without_stray_lines


def test_the_stray_line_of_the_solver_is_left_out_and_nothing_else_is_lost(capfd):
    libc = ctypes.CDLL(None)
    print("before")
    with without_stray_lines():
        libc.puts(STRAY)  # as the solver does: C's own buffer, below Python
        print("from Python")
        os.write(1, b"no end of line")
    print(" after")
    libc.fflush(None)
    assert capfd.readouterr().out.splitlines() == [
        "before",
        "from Python",
        "no end of line after",
    ]


def test_the_standard_output_is_given_back_where_the_solver_fails(capfd):
    with pytest.raises(ZeroDivisionError), without_stray_lines():
        print(1 / 0)
    print("still heard")
    assert capfd.readouterr().out == "still heard\n"
