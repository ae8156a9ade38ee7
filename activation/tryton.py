"""Tryton, over its JSON-RPC: an account is the party whose code is the account's id."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from itertools import count
from typing import Any, Final

import httpx
from pydantic import SecretStr

from activation.target import Answer, Change, Outcome, Record
from activation.writeback import OWN_PREFIX
from contracts.errors import Fatal, Rejected, Retryable

_MODEL: Final = {"account": "party.party"}
_WEBSITE: Final = "website"
_FILLABLE: Final = frozenset({_WEBSITE})
_SECONDS: Final = 30
_BUSY: Final = {429, 500, 502, 503, 504}
_CONCURRENCY: Final = "ConcurrencyException"


class Tryton:
    """One database of a Tryton server, as one user.

    The party's own fields are those of the module `headwater` (activation/tryton_module). Writing
    is optimistic: Tryton refuses a write to a record that changed since it was read.

    Args:
        url: of the database, such as `http://127.0.0.1:8000/crm/`.
    """

    name = "tryton"

    def __init__(self, url: str, user: str, password: SecretStr) -> None:
        self._url = url.rstrip("/") + "/rpc/"
        self._user = user
        self._password = password
        self._http = httpx.Client(timeout=_SECONDS)
        self._numbers = count(1)
        self._session = ""
        self._kinds: dict[str, str] = {}

    def fillable(self, object_type: str) -> frozenset[str]:
        """Return the fields of people that may be filled while they are empty."""
        return _FILLABLE if object_type in _MODEL else frozenset()

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        """Return the parties with these codes.

        Raises:
            Retryable: Tryton is away. Fatal: it refuses us, or our module is not activated.
        """
        known = [field for field in fields if field in self._settable(object_type)]
        where = [["code", "in", list(ids)]]
        wanted = ["code", "_timestamp", *known]
        try:
            found = self._call(f"{_MODEL[object_type]}.search_read", where, 0, None, None, wanted)
        except Rejected as why:
            raise Fatal(f"Tryton does not let {self._user!r} read: {why.detail}") from why
        return {
            party["code"]: Record(
                f"{party['id']}@{party['_timestamp']}",
                {field: _text(party[field]) for field in known},
            )
            for party in found
        }

    def write(self, object_type: str, changes: Sequence[Change]) -> Iterator[tuple[str, Answer]]:
        """Set values in one transaction; where Tryton refuses it, by halves, down to the culprit.

        So one that fails does not take others with it, and hundreds cost a single call.
        """
        if not changes:
            return
        try:
            self._set(object_type, changes)
        except Rejected as why:
            middle = len(changes) // 2
            if not middle:
                yield changes[0].object_id, _refused(why)
                return
            yield from self.write(object_type, changes[:middle])
            yield from self.write(object_type, changes[middle:])
        else:
            yield from ((change.object_id, Answer(Outcome.WRITTEN)) for change in changes)

    def _set(self, object_type: str, changes: Sequence[Change]) -> None:
        """Set all values or none; each record must be as it was read."""
        model = _MODEL[object_type]
        settings: list[Any] = []
        read_at: dict[str, str] = {}
        for change in changes:
            party, _, timestamp = change.version.partition("@")
            settings += ([int(party)], self._typed(change.values))
            read_at[f"{model},{party}"] = timestamp
        self._call(f"{model}.write", *settings, context={"_timestamp": read_at})

    def _settable(self, object_type: str) -> Mapping[str, str]:
        """Return the kinds of our own fields and of those that may be filled; asked once."""
        if not self._kinds:
            fields = self._fields(_MODEL[object_type])
            kinds = {name: field["type"] for name, field in fields.items()}
            ours = {name: kind for name, kind in kinds.items() if name.startswith(OWN_PREFIX)}
            if not ours:
                raise Fatal(
                    "this Tryton database has no headwater_ fields: install "
                    "activation/tryton_module on its server and activate the module `headwater`"
                )
            self._kinds = ours | {name: kinds[name] for name in _FILLABLE}
        return self._kinds

    def _fields(self, model: str) -> Mapping[str, Any]:
        try:
            fields: Mapping[str, Any] = self._call(f"{model}.fields_get", None)
        except Rejected:  # not even the module `party` is there
            return {}
        return fields

    def _typed(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the values as Tryton takes them: a website is a contact mechanism of the party.

        Raises:
            Rejected: a value is not of its field's kind.
        """
        typed = {f: _of_kind(self._kinds[f], v) for f, v in values.items() if f != _WEBSITE}
        if website := values.get(_WEBSITE):
            mechanism = {"type": _WEBSITE, "value": website}
            typed["contact_mechanisms"] = [["create", [mechanism]]]
        return typed

    def _call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 JSON
        parameters = [*params, dict(context or {})]
        if not self._session:
            self._log_in()
        response = self._post(f"model.{method}", parameters)
        if response.status_code == HTTPStatus.UNAUTHORIZED:  # the session is over
            self._log_in()
            response = self._post(f"model.{method}", parameters)
        return self._result(response)

    def _log_in(self) -> None:
        self._session = ""
        secret = {"password": self._password.get_secret_value()}
        try:
            answer = self._result(self._post("common.db.login", [self._user, secret, "en"]))
        except Rejected as why:  # it asks for more than a password
            raise Fatal(f"Tryton refuses the user {self._user!r}: {why.detail}") from None
        user_id, session = answer[:2]
        self._session = b64encode(f"{self._user}:{user_id}:{session}".encode()).decode()

    def _post(self, method: str, params: list[Any]) -> httpx.Response:
        headers = {"Authorization": f"Session {self._session}"} if self._session else {}
        body = {"id": next(self._numbers), "method": method, "params": params}
        try:
            response = self._http.post(self._url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Retryable(f"Tryton at {self._url} does not answer: {error!r}") from error
        if response.status_code in _BUSY:
            raise Retryable(f"Tryton at {self._url} answers {response.status_code}")
        return response

    def _result(self, response: httpx.Response) -> Any:  # noqa: ANN401 JSON
        if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise Fatal(f"Tryton refuses the user {self._user!r} or the password")
        try:
            answer = response.json()
        except ValueError as error:
            status = response.status_code
            raise Fatal(f"{response.url} is not a Tryton database ({status})") from error
        if not isinstance(answer, dict):
            raise Fatal(f"{response.url} does not speak Tryton's JSON-RPC")
        if "error" in answer:
            raise _rejected(answer["error"])
        return answer["result"]


def _rejected(error: Sequence[Any]) -> Rejected:
    """Return what Tryton said: the kind of error, then texts or a list that begins with them."""
    kind, *said = error or ["TimeOut"]
    texts = said[0] if said and isinstance(said[0], list) else said
    return Rejected(str(kind), " ".join(str(text) for text in texts[:2] if text) or str(kind))


def _refused(why: Rejected) -> Answer:
    conflict = why.reason == _CONCURRENCY
    return Answer(Outcome.CONFLICT if conflict else Outcome.FAILED, why.detail)


def _text(value: Any) -> str:  # noqa: ANN401 JSON
    if value is None:
        return ""
    if isinstance(value, dict):
        return date(value["year"], value["month"], value["day"]).isoformat()
    return str(value)


def _of_kind(kind: str, text: str) -> Any:  # noqa: ANN401 JSON
    """Return a text as a field of a kind takes it; nothing for a number or a date left empty."""
    if kind not in ("integer", "date"):
        return text
    try:
        return (int(text) if kind == "integer" else _date(text)) if text else None
    except ValueError as error:
        raise Rejected("bad_value", f"{text!r} is not of the kind {kind}") from error


def _date(text: str) -> dict[str, Any]:
    day = date.fromisoformat(text)
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}
