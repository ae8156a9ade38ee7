"""What the server must know of a statement: is it refused, streamed, an INSERT of data?"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from local.clickhouse.errors import outfile_refused, refused
from local.clickhouse.native import arguments

Ask: TypeAlias = Callable[[str], str]

_SAFE_FUNCTIONS: Final = frozenset(
    {
        "dictionary",
        "format",
        "fuzzjson",
        "fuzzquery",
        "generaterandom",
        "generateseries",
        "generate_series",
        "input",
        "loop",
        "merge",
        "mergetreeanalyzeindexes",
        "mergetreeindex",
        "mergetreeprojection",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "sqlstandardvalues",
        "timeseriesdata",
        "timeseriesmetrics",
        "timeseriestags",
        "values",
        "view",
        "viewexplain",
        "viewifpermitted",
        "zeros",
        "zeros_mt",
    }
)
_SAFE_ENGINES: Final = frozenset(
    {
        "alias",
        "atomic",
        "buffer",
        "dictionary",
        "join",
        "log",
        "materializedview",
        "memory",
        "set",
        "stripelog",
        "timeseries",
        "tinylog",
        "view",
    }
)
_SAFE_DICTIONARY_SOURCES: Final = frozenset({"clickhouse", "null"})
_NEVER_SCALAR: Final = re.compile(r"(?:ai(?=[A-Z])|AI(?=[A-Z])|catboost)\w*")

# Of a statement's words, in capitals, one blank between them; what is quoted is but quotes.
_OTHER_SYSTEM: Final = (
    r"^SYSTEM (?!FLUSH |SYNC |REFRESH |(?:CANCEL|WAIT) VIEW |RELOAD (?:DICTIONAR|FUNCTION)"
    r"|(?:DROP|CLEAR) [A-Z ]*CACHE|(?:STOP|START|PAUSE) (?:MERGES|TTL|MOVES|VIEW|CLEANUP))"
)
_OUTFILE: Final = re.compile(r"\bINTO OUTFILE\b")
_REFUSED_WORDS: Final = tuple(
    (re.compile(pattern), what, instead)
    for pattern, what, instead in (
        (r"\bFROM INFILE\b", "INSERT ... FROM INFILE", "read the file and send its rows"),
        (
            r"^(?:BACKUP|RESTORE)\b",
            "SQL BACKUP and RESTORE",
            "use `headwater backup` and `headwater restore`",
        ),
        (r"^ATTACH TABLE\b.* FROM '", "ATTACH TABLE ... FROM", "create it and insert its rows"),
        (
            _OTHER_SYSTEM,
            "this SYSTEM statement",
            "stop the server with SIGTERM, and set it up by its options",
        ),
        (r"\bSSD_CACHE ?\(", "a dictionary's SSD_CACHE", "use another LAYOUT"),
        (r"\bDISK ?= ?DISK ?\(", "a disk of a table's own", "leave the setting out"),
        (r"^(?:CREATE|ALTER) NAMED COLLECTION\b", "a named collection", "pass the values"),
        (r"^SET\b.*\bDIALECT\b", "SET dialect", "write ClickHouse's SQL"),
    )
)

# Comments, and quoted text whose words must not be taken for keywords.
_COMMENT: Final = r"--[^\n]*|#[ !][^\n]*|/\*.*?\*/"
_STRING: Final = r"'(?:[^'\\]|\\.|'')*'|(?P<heredoc>\$\w*\$).*?(?P=heredoc)"
_IDENTIFIER: Final = r"`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\""
_NOT_WORDS: Final = re.compile(f"(?P<comment>{_COMMENT})|{_STRING}|{_IDENTIFIER}", re.DOTALL)
_ESCAPED_NAME: Final = re.compile(r"[`\"][^`\"]*\\")
_NODE: Final = re.compile(
    r"^ *(?P<kind>Function|FunctionWithKeyValueArguments) +(?P<name>\S+)", re.MULTILINE
)
_REMOTE_HOST: Final = re.compile(r"\bHOST\s+'(?!localhost'|127\.0\.0\.1')", re.IGNORECASE)

_NAME: Final = rf"(?:{_IDENTIFIER}|[A-Za-z_]\w*)"
_SETTING: Final = r"\w+\s*=\s*(?:'(?:[^'\\]|\\.|'')*'|[-+.\w]+)"
_INSERT: Final = re.compile(
    rf"INSERT\s+INTO\s+(?:TABLE\s+)?(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)\s*"
    r"(?:\((?P<columns>[^()]*)\)\s*)?"
    rf"(?P<settings>SETTINGS\s+{_SETTING}(?:\s*,\s*{_SETTING})*)?\s*"
    r"(?:(?:\bVALUES|\bFORMAT\s+\w+)\s*)?;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_STREAMED: Final = re.compile(r"[\s(]*(?:SELECT|WITH|FROM)\b", re.IGNORECASE)
_FORMAT_TAIL: Final = re.compile(r"\sFORMAT\s+\w+$", re.IGNORECASE)
_END: Final = " \t\r\n;"
_WRITES: Final = re.compile(
    r"(?:INSERT|CREATE|ALTER|DROP|TRUNCATE|RENAME|EXCHANGE|UPDATE|DELETE|OPTIMIZE)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Insert:
    """An INSERT whose rows come in blocks.

    Attributes:
        columns: as named in the statement; none means all that can be inserted.
    """

    table: str
    columns: tuple[str, ...]
    settings: str


@dataclass(frozen=True)
class Statement:
    """One statement, without comments, and without an output format: it is always Native.

    Attributes:
        words: the same, with all that is quoted made unreadable.
    """

    sql: str
    words: str

    @property
    def streams(self) -> bool:
        """Whether its rows are sent as they are found."""
        return _STREAMED.match(self.words) is not None

    @property
    def writes(self) -> bool:
        """Whether it changes data, so that it should be let end."""
        return _WRITES.match(self.words) is not None

    @property
    def insert(self) -> Insert | None:
        """The INSERT that it is, where its rows come in blocks."""
        found = _INSERT.fullmatch(self.sql)
        if found is None:
            return None
        named = arguments(found["columns"] or "")
        columns = () if named == ["*"] else tuple(map(unquoted, named))
        return Insert(found["table"], columns, found["settings"] or "")


def read(sql: str) -> Statement:
    """Return the statement in a text; comments become blanks."""
    plain = _NOT_WORDS.sub(lambda found: " " * len(found[0]) if found["comment"] else found[0], sql)
    words = _NOT_WORDS.sub(lambda found: "'" * len(found[0]), plain).rstrip(_END)
    if not _WRITES.match(words.lstrip()):
        words = _FORMAT_TAIL.sub("", words).rstrip(_END)
    start = len(words) - len(words.lstrip())
    return Statement(plain[start : len(words)], words[start:])


class Refusals:
    """What this server refuses, with the reason: all that reaches other files or the network.

    The engine's own parser decides; it is asked only where a word in the text makes it worth while.

    Args:
        functions: the engine's table functions.
        engines: its table and database engines.
    """

    def __init__(self, functions: Iterable[str], engines: Iterable[str]) -> None:
        safe = _SAFE_FUNCTIONS | _SAFE_ENGINES
        known = {name.lower() for name in (*functions, *engines)}
        self._names = {
            name for name in known if name not in safe and not name.endswith("mergetree")
        }
        words = "|".join(map(re.escape, sorted(self._names)))
        self._suspect = re.compile(rf"\b(?:{words}|ai[A-Z]\w*|catboost\w*|source)\b", re.IGNORECASE)

    def check(self, statement: Statement, ask: Ask) -> None:
        """Let a statement pass.

        Args:
            statement: one, not several.
            ask: runs a query and returns its text.

        Raises:
            QueryError: if it is refused.
        """
        _check_words(statement.words)
        sql = statement.sql
        if self._suspect.search(sql) or _ESCAPED_NAME.search(sql):
            self._check_tree(ask(f"EXPLAIN AST {sql}"), sql)

    def _check_tree(self, tree: str, sql: str) -> None:
        for node in _NODE.finditer(tree):
            name = node["name"].lower()
            if node["kind"] == "FunctionWithKeyValueArguments":
                _check_dictionary(name, sql)
            elif name in self._names or _NEVER_SCALAR.fullmatch(node["name"]):
                raise refused(
                    f"{node['name']}, which reaches files, programs or the network,",
                    "bring data in through `headwater ingest` or an INSERT",
                )


def unquoted(name: str) -> str:
    """Return an identifier without its quotes."""
    if name[:1] not in ("`", '"'):
        return name
    return re.sub(r"\\(.)", r"\1", name[1:-1]).replace(name[0] * 2, name[0])


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(value: str) -> str:
    """Return a value as a string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _check_words(words: str) -> None:
    plain = re.sub(r"\s+", " ", words.upper())
    if _OUTFILE.search(plain):
        raise outfile_refused()
    for pattern, what, instead in _REFUSED_WORDS:
        if pattern.search(plain):
            raise refused(what, instead)


def _check_dictionary(source: str, sql: str) -> None:
    if source not in _SAFE_DICTIONARY_SOURCES or _REMOTE_HOST.search(sql):
        raise refused(
            f"a dictionary from {source}", "fill a table and use SOURCE(CLICKHOUSE(TABLE '...'))"
        )
