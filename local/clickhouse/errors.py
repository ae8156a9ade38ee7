"""Errors as ClickHouse's clients know them: a code and a text."""

import re
from typing import Final, Self

_ENGINE_ERROR: Final = re.compile(r"Code: (\d+)\. (.*)", re.DOTALL)
_VERSION_TAIL: Final = re.compile(r" \(version [\d.]+\)\s*$")


class QueryError(Exception):
    """What a client is told instead of an answer.

    Attributes:
        code: the number in ClickHouse's `ErrorCodes.cpp`.
        text: says what, where and what to do; ends with the code's name, as ClickHouse's do.
    """

    def __init__(self, code: int, text: str, name: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = f"DB::Exception: {text}. ({name})" if name else text

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Return what to tell the client about an error, the engine's own code where it has one."""
        found = _ENGINE_ERROR.search(str(error))
        if found:
            return cls(int(found[1]), _VERSION_TAIL.sub("", found[2]))
        if isinstance(error, RuntimeError):
            return cls(1002, str(error), "UNKNOWN_EXCEPTION")
        return cls(49, f"the server failed: {type(error).__name__}: {error}", "LOGICAL_ERROR")


class OutOfStep(QueryError):
    """What a client said cannot be followed any further: it is told so, and hung up on."""


def told(error: Exception) -> QueryError:
    """Return an error as it is told to the client."""
    return error if isinstance(error, QueryError) else QueryError.of(error)


def refused(what: str, instead: str) -> QueryError:
    """Return the refusal of something that this server does not do, and what to do instead."""
    return QueryError(
        497, f"{what} is refused by the local warehouse server: {instead}", "ACCESS_DENIED"
    )


def unsupported(what: str) -> QueryError:
    """Return the refusal of something that this server cannot do."""
    return QueryError(
        48, f"{what} is not supported by the local warehouse server", "NOT_IMPLEMENTED"
    )


def outfile_refused() -> QueryError:
    """Return the refusal of INTO OUTFILE."""
    return QueryError(
        73, "INTO OUTFILE is refused: read the rows and write the file", "INTO_OUTFILE_NOT_ALLOWED"
    )
