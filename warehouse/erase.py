"""Takes a person out of every table: what is about them alone goes, what others share is mended.

The tables and their text columns are asked of the warehouse, so that none is forgotten. Every step
can be repeated: mended rows are added first and no longer hold the person, then those that do are
deleted. What was cut off between the two is taken up by the next run.

No query sees what was deleted. ClickHouse takes the replaced files off the disk by itself: eight
minutes later (`old_parts_lifetime`), when it next looks, which an idle server does every ten.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import SecretStr

from contracts.errors import UserError
from warehouse.connection import connect, fates
from warehouse.engagement import distrust

_TABLES: Final = """
    SELECT database || '.' || table, groupArray((name, type))
    FROM system.columns
    WHERE (database, table) IN
    (
        SELECT database, name FROM system.tables
        WHERE engine LIKE '%MergeTree' AND database NOT IN ('system', 'information_schema')
            AND name != 'schema_version'
    )
    GROUP BY 1
    ORDER BY 1
"""
_TEXT: Final = {"String", "LowCardinality(String)"}
_PLAIN: Final = _TEXT | {"Nullable(String)", "LowCardinality(Nullable(String))"}
_LISTS: Final = {f"Array({kind})" for kind in _TEXT}
_CHUNK: Final = 5_000

_SIGHTED_AGAIN: Final = """
    INSERT INTO raw.sighting (* EXCEPT ingested_at)
    SELECT * EXCEPT ingested_at REPLACE (
        'excluded' AS disposition,
        %(reason)s AS reason,
        toUUID('00000000-0000-0000-0000-000000000000') AS activity_id)
    FROM (SELECT * FROM raw.sighting WHERE activity_id IN %(ids)s)
"""


class Person(NamedTuple):
    """Whom to take out.

    Attributes:
        pattern: an RE2 expression that finds them, whose groups 1 and 2 are what stands around.
        token: what takes their place.
        persons: tables whose rows are about one person: the key that names it, and its columns.
    """

    pattern: str
    token: str
    persons: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


class _Table(NamedTuple):
    name: str
    kinds: Mapping[str, str]

    @property
    def texts(self) -> list[str]:
        """The columns that hold text."""
        return [column for column, kind in self.kinds.items() if kind in _PLAIN | _LISTS]


class Eraser:
    """Looks into the tables and mends them, over one connection; the user may alter tables.

    Every method raises as `warehouse.connection.fates` does.
    """

    def __init__(self, url: SecretStr) -> None:
        self._url = url
        self._client = connect(url, mutations_sync=2)
        self._tables = [_Table(name, dict(columns)) for name, columns in self._ask(_TABLES)]
        for table in self._tables:
            _refuse_unknown(table)

    def close(self) -> None:
        """Leave the connection."""
        self._client.disconnect()

    def count(self, person: Person) -> dict[str, int]:
        """Return how many rows of each table hold the person; tables without any are left out."""
        counts = {table.name: self._count(table, person) for table in self._tables}
        return {name: count for name, count in counts.items() if count}

    def names(self, person: Person) -> list[str]:
        """Return the names that the person goes by, as contacts and participants show them."""
        found = self._ask(_NAMES, _asked(person))
        return [name for (name,) in found if " " in name.strip()]

    def addresses(self, person: Person) -> list[str]:
        """Return the addresses and numbers of the contacts that have this one."""
        return [address for (address,) in self._ask(_ADDRESSES, _asked(person))]

    def drop_dead_letters(self, ids: Sequence[UUID]) -> None:
        """Delete dead letters, bytes and all."""
        self._ask("ALTER TABLE raw.dead_letter DELETE WHERE dead_letter_id IN %(ids)s",
                  {"ids": list(ids)})  # fmt: skip

    def sweep(self, person: Person, reason: str) -> None:
        """Take the person out of every table; return when no active row holds them."""
        names = self.names(person)
        self._drop_person_rows(person)
        alone = self._ask(f"SELECT DISTINCT activity_id FROM raw.activity WHERE {_ALONE}",
                          _asked(person))  # fmt: skip
        self.remove([activity_id for (activity_id,) in alone], reason)
        for table in self._tables:
            if self._count(table, person):
                self._mend(table, person, names)
        distrust(self._url)

    def remove(self, activity_ids: Sequence[UUID], reason: str) -> None:
        """Take activities out of every table; their sightings stay, excluded for a reason."""
        related = [t.name for t in self._tables if "activity_id" in t.kinds]
        order = [name for name in related if name not in {"raw.activity", "raw.sighting"}]
        for start in range(0, len(activity_ids), _CHUNK):
            ids = {"ids": list(activity_ids[start : start + _CHUNK]), "reason": reason}
            self._ask(_SIGHTED_AGAIN, ids)
            for name in [*order, "raw.sighting", "raw.activity"]:
                self._ask(f"ALTER TABLE {name} DELETE WHERE activity_id IN %(ids)s", ids)
        distrust(self._url)

    def _drop_person_rows(self, person: Person) -> None:
        for name, (key, columns) in person.persons.items():
            table = next((table for table in self._tables if table.name == name), None)
            if table is None:
                continue
            held = " OR ".join(_holds(column, table.kinds[column]) for column in columns)
            named = ", ".join(key)
            found = self._ask(f"SELECT DISTINCT {named} FROM {name} WHERE {held}", _asked(person))
            if found:
                keys = {"keys": found}
                self._ask(f"ALTER TABLE {name} DELETE WHERE ({named}) IN %(keys)s", keys)

    def _mend(self, table: _Table, person: Person, names: Sequence[str]) -> None:
        held = _held(table)
        told = _asked(person) | {f"name{n}": name for n, name in enumerate(names)}
        columns = ", ".join(f"`{column}`" for column in table.kinds)
        values = ", ".join(_mended(table, column, len(names)) for column in table.kinds)
        self._ask(
            f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {table.name} WHERE {held}",
            told,
        )
        self._ask(f"ALTER TABLE {table.name} DELETE WHERE {held}", told)

    def _count(self, table: _Table, person: Person) -> int:
        if not table.texts:
            return 0
        sql = f"SELECT count() FROM {table.name} WHERE {_held(table)}"
        return int(self._ask(sql, _asked(person))[0][0])

    def _ask(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with fates("erasing"):
            answer = self._client.execute(sql, params)
        return answer if isinstance(answer, list) else []


_TOOK_PART: Final = "arrayExists(x -> match(x, %(pattern)s), participant_address)"
_ALONE: Final = f"""
    {_TOOK_PART} AND NOT arrayExists(
        (x, is_ours) -> NOT is_ours AND NOT match(x, %(pattern)s),
        participant_address, participant_is_ours)
"""
_ADDRESSES: Final = """
    SELECT DISTINCT arrayJoin(told) AS address FROM
    (
        SELECT arrayConcat(emails, phones) AS told FROM raw.contact
        UNION ALL
        SELECT arrayConcat(emails, phones) FROM raw.lead
    )
    WHERE arrayExists(x -> match(x, %(pattern)s), told)
    ORDER BY address
"""
_NAMES: Final = """
    SELECT DISTINCT name FROM
    (
        SELECT name FROM raw.contact
        WHERE arrayExists(x -> match(x, %(pattern)s), arrayConcat(emails, phones))
        UNION ALL
        SELECT name FROM raw.lead
        WHERE arrayExists(x -> match(x, %(pattern)s), arrayConcat(emails, phones))
        UNION ALL
        SELECT arrayJoin(arrayFilter(
            (name, x) -> match(x, %(pattern)s), participant_name, participant_address)) AS name
        FROM raw.activity
        UNION ALL
        SELECT name FROM raw.rep WHERE match(email, %(pattern)s)
    )
    ORDER BY name
"""
_OF_ACTIVITY: Final = {
    "participant_name": "arrayMap((name, x) -> if(match(x, %(pattern)s), '', name), "
    "participant_name, participant_address)",
    **dict.fromkeys(
        ("subject", "thread_subject", "body", "request_sentence"),
        f"if({_TOOK_PART}, '', {{mended}})",
    ),
}
_OF_INVITATION: Final = {
    "title": "if(arrayExists(x -> match(x, %(pattern)s), "
    "arrayConcat([organizer_address], attendee_address)), '', {mended})",
}
_OF: Final = {"raw.activity": _OF_ACTIVITY, "raw.invitation": _OF_INVITATION}
"""What becomes of columns where the person took part; of all others, what names them goes."""


def _asked(person: Person) -> dict[str, str]:
    return {"pattern": person.pattern, "replacement": rf"\1{person.token}\2"}


def _held(table: _Table) -> str:
    return " OR ".join(_holds(column, table.kinds[column]) for column in table.texts)


def _holds(column: str, kind: str) -> str:
    if kind in _LISTS:
        return f"arrayExists(x -> match(x, %(pattern)s), `{column}`)"
    return f"match(ifNull(`{column}`, ''), %(pattern)s)"


def _mended(table: _Table, column: str, names: int) -> str:
    """Return the expression of a column without the person."""
    kind = table.kinds[column]
    if kind not in _PLAIN | _LISTS:
        return f"`{column}`"
    mended = (
        f"arrayMap(x -> {_replaced('x', names)}, `{column}`)"
        if kind in _LISTS
        else _replaced(f"`{column}`", names)
    )
    return _OF.get(table.name, {}).get(column, "{mended}").format(mended=mended)


def _replaced(text: str, names: int) -> str:
    """Replace twice: two addresses may share the character between them."""
    once = f"replaceRegexpAll({text}, %(pattern)s, %(replacement)s)"
    mended = f"replaceRegexpAll({once}, %(pattern)s, %(replacement)s)"
    for number in range(names):
        mended = f"replaceAll({mended}, %(name{number})s, '')"
    return mended


def _refuse_unknown(table: _Table) -> None:
    known = _PLAIN | _LISTS
    odd = [f"{c} {k}" for c, k in table.kinds.items() if "String" in k and k not in known]
    if odd:
        raise UserError(
            f"erasing does not know how to look into {table.name} ({', '.join(odd)}): a column of "
            "text must be a String, or an array of them"
        )
