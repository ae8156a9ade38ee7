"""A JSON API that is read page by page: calls and meetings in the call webhook's form."""

import json
from collections.abc import Iterator
from hashlib import sha256

import httpx
import msgspec
from pydantic import SecretStr

from contracts.errors import Retryable, UserError
from contracts.wire import EventKind
from ingest.source import Checkpoint, Heard


class _Page(msgspec.Struct):
    """One answer; `next` may be missing from an empty one."""

    items: list[dict[str, object]]
    next: str | int | None = None


class JsonApiSource:
    """Asks `GET url?after=CURSOR` for `{"items": [...], "next": CURSOR}` until no items come."""

    kind: EventKind = "call"
    resumes = True

    def __init__(self, url: str, token: SecretStr, *, follow: bool = False) -> None:
        self._url = httpx.URL(url)
        self._token = token
        self.name = f"api:{self._url.host}{self._url.path}"
        self.follow_seconds = 15.0 if follow else None

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        """Yield what comes after the cursor; raises UserError, or Retryable for 429 and 5xx."""
        token = self._token.get_secret_value()
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(headers=bearer, timeout=30) as client:
            while (page := self._page(client, state)).items:
                for item in page.items:
                    data = json.dumps(item, sort_keys=True).encode()
                    name = f"{item.get('call_id')}-{sha256(data).hexdigest()[:16]}"
                    yield Heard(name, self._url.host, data)
                if page.next is None or str(page.next) == state:
                    raise UserError(f"{self._url} names no `next` cursor after {state!r}")
                state = str(page.next)
                yield Checkpoint(state)

    def _page(self, client: httpx.Client, after: str) -> _Page:
        try:
            answer = client.get(self._url, params={"after": after})
        except httpx.HTTPError as error:
            raise UserError(f"{self._url} can't be reached: {error}") from error
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise Retryable(f"{self._url} answers {answer.status_code}")
        if not answer.is_success:
            raise UserError(f"{self._url} answers {answer.status_code}: check address and token")
        try:
            return msgspec.json.decode(answer.content, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shape = '{"items": [{...}], "next": CURSOR}'
            raise UserError(f"{self._url} must answer {shape}: {error}") from error
