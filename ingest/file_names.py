"""The names of files as text: a file system takes any bytes for one, the wire only UTF-8."""

import os
from pathlib import Path


def as_text(path: Path | str) -> str:
    r"""Return a path or name as text; a byte that is no UTF-8 is spelled out, such as `\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
