"""A JSON API that is read page by page: calls and meetings in the call webhook's form."""

import json
from collections.abc import Iterator
from hashlib import sha256

import httpx
from pydantic import SecretStr

from contracts.errors import Retryable, UserError
from contracts.wire import EventKind
from ingest.source import Checkpoint, Heard


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
        bearer = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        with httpx.Client(headers=bearer, timeout=30) as client:
            while (page := self._page(client, state))["items"]:
                for item in page["items"]:
                    data = json.dumps(item, sort_keys=True).encode()
                    name = f"{item.get('call_id')}-{sha256(data).hexdigest()[:16]}"
                    yield Heard(name, self._url.host, data)
                state = str(page["next"])
                yield Checkpoint(state)

    def _page(self, client: httpx.Client, after: str) -> dict[str, list[dict[str, object]]]:
        try:
            answer = client.get(self._url, params={"after": after})
        except httpx.HTTPError as error:
            raise UserError(f"{self._url} can't be reached: {error}") from error
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise Retryable(f"{self._url} answers {answer.status_code}")
        if not answer.is_success:
            raise UserError(f"{self._url} answers {answer.status_code}: check address and token")
        return dict(answer.json())
