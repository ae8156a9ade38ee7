"""Tryton, over its JSON-RPC: an account is the party whose code is the account's id."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

import httpx
from pydantic import SecretStr

from activation.target import Answer, Change, Outcome, Record
from activation.writeback import OWN_PREFIX
from contracts.errors import Fatal, Rejected, Retryable

_MODEL: Final = {"account": "party.party"}
_FILLABLE: Final = frozenset({"website"})
_SECONDS: Final = 30
_BUSY: Final = {429, 500, 502, 503, 504}


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
        self._checked = False

    def fillable(self, object_type: str) -> frozenset[str]:
        """Return the fields of people that may be filled while they are empty."""
        return _FILLABLE if object_type in _MODEL else frozenset()

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        """Return the parties with these codes.

        Raises:
            Retryable: Tryton is away. Fatal: wrong password, or our module is not activated.
        """
        self._need_own_fields(object_type)
        wanted = ["code", "_timestamp", *fields]
        found = self._call(
            f"{_MODEL[object_type]}.search_read", [["code", "in", list(ids)]], 0, None, None, wanted
        )
        return {
            party["code"]: Record(
                f"{party['id']}@{party['_timestamp']}",
                {field: party[field] or "" for field in fields},
            )
            for party in found
        }

    def write(self, object_type: str, changes: Sequence[Change]) -> Mapping[str, Answer]:
        """Set values, a record at a time: one that fails does not take others with it."""
        return {change.object_id: self._write_one(object_type, change) for change in changes}

    def _write_one(self, object_type: str, change: Change) -> Answer:
        party, _, timestamp = change.version.partition("@")
        model = _MODEL[object_type]
        context = {"_timestamp": {f"{model},{party}": timestamp}}
        try:
            self._call(f"{model}.write", [int(party)], _written(change.values), context=context)
        except Rejected as why:
            conflict = why.reason == "ConcurrencyException"
            return Answer(Outcome.CONFLICT if conflict else Outcome.FAILED, why.detail)
        return Answer(Outcome.WRITTEN)

    def _need_own_fields(self, object_type: str) -> None:
        if self._checked:
            return
        fields = self._call(f"{_MODEL[object_type]}.fields_get", None)
        if not any(field.startswith(OWN_PREFIX) for field in fields):
            raise Fatal(
                "this Tryton database has no headwater_ fields: install "
                "activation/tryton_module on its server and activate the module `headwater`"
            )
        self._checked = True

    def _call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 JSON
        if not self._session:
            self._log_in()
        return self._post(f"model.{method}", [*params, dict(context or {})], self._session)

    def _log_in(self) -> None:
        secret = {"password": self._password.get_secret_value()}
        answer = self._post("common.db.login", [self._user, secret, "en"], "")
        if not answer:
            raise Fatal(f"Tryton refuses the user {self._user!r} or the password")
        user_id, session = answer[:2]
        self._session = b64encode(f"{self._user}:{user_id}:{session}".encode()).decode()

    def _post(self, method: str, params: list[Any], session: str) -> Any:  # noqa: ANN401 JSON
        headers = {"Authorization": f"Session {session}"} if session else {}
        body = {"id": next(self._numbers), "method": method, "params": params}
        try:
            response = self._http.post(self._url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Retryable(f"Tryton at {self._url} does not answer: {error}") from error
        if response.status_code in (401, 403):
            self._session = ""
            raise Fatal(f"Tryton refuses the user {self._user!r} or the password")
        if response.status_code in _BUSY:
            raise Retryable(f"Tryton at {self._url} answers {response.status_code}")
        return _result(response, method)


def _written(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the values as Tryton takes them: a website is a contact mechanism of the party."""
    written: dict[str, Any] = {
        field: value for field, value in values.items() if field != "website"
    }
    if website := values.get("website"):
        mechanism = {"type": "website", "value": website}
        written["contact_mechanisms"] = [["create", [mechanism]]]
    return written


def _result(response: httpx.Response, method: str) -> Any:  # noqa: ANN401 JSON
    try:
        answer = response.json()
    except ValueError as error:
        raise Fatal(f"{response.url} is not a Tryton database ({response.status_code})") from error
    if isinstance(answer, dict) and (wrong := answer.get("error")):
        name, detail = str(wrong[0]), str(wrong[1:])
        raise Rejected(name.rsplit(".", 1)[-1], f"{method}: {detail[:300]}")
    return answer["result"] if isinstance(answer, dict) else answer
