"""A person's acts: sent to the worker's door, and what became of them.

The page's server sends them, never the browser: the token stays here. docs/adr/0010-acts.md.
"""

from typing import Final, NamedTuple
from uuid import UUID, uuid5

import httpx
import msgspec

from contracts.clock import Clock
from contracts.command import Command, CommandKind
from contracts.errors import Retryable, UserError
from settings import Settings
from warehouse.reader import Reader

PATH: Final = "/commands"
SECONDS: Final = 10.0
_NAMESPACE: Final = UUID("0b4c2f54-7a0e-4d0a-9d7e-2f5d1c6f8a31")
_TAKEN: Final = 202
_BUSY: Final = 503
_OUTCOME: Final = """
    SELECT outcome, detail FROM raw.command FINAL
    WHERE idempotency_key = %(key)s
        AND (outcome = 'done' OR issued_at = toDateTime64(%(issued_at)s, 6, 'UTC'))
    ORDER BY outcome = 'done' DESC
    LIMIT 1
"""


class Outcome(NamedTuple):
    """What became of a command.

    Attributes:
        is_done: whether it was carried out; else it was refused.
        detail: what was done, or why not.
    """

    is_done: bool
    detail: str


class Act(NamedTuple):
    """What a person wants done.

    Attributes:
        value: what to set, where the kind needs something.
        seen: what stood there when it was decided on. The same act on the same sight is one act,
            however often it is sent; after something has changed it is another.
    """

    kind: CommandKind
    subject_id: str
    value: str = ""
    seen: str = ""


def signed(act: Act, actor: str, reason: str, clock: Clock) -> Command:
    """Return the command of an act.

    Raises:
        UserError: if nobody is named.
    """
    if not actor.strip():
        raise UserError("say who you are: what a person decides is kept under their name")
    told = (act.kind, act.subject_id, act.value, act.seen, actor.strip())
    return Command(
        kind=act.kind,
        idempotency_key=uuid5(_NAMESPACE, "\0".join(told)),
        actor=actor.strip(),
        reason=reason.strip(),
        issued_at=clock.now(),
        subject_id=act.subject_id,
        value=act.value,
    )


def send(settings: Settings, command: Command) -> None:
    """Hand a command to the worker; once this returns, the log has it.

    Raises:
        Retryable: no worker answers, or its log is busy: the same command may be sent again.
        UserError: the worker refuses it: another token, or no command.
    """
    headers = {"Authorization": f"Bearer {settings.command_token.get_secret_value()}"}
    url = settings.worker_address + PATH
    try:
        answer = httpx.post(
            url, content=msgspec.json.encode(command), headers=headers, timeout=SECONDS
        )
    except httpx.HTTPError as error:
        raise Retryable(
            f"no worker answers at {url} ({type(error).__name__}): `headwater status` tells "
            "whether it runs, HEADWATER_WORKER_URL where it is looked for"
        ) from error
    if answer.status_code != _TAKEN:
        fate = Retryable if answer.status_code == _BUSY else UserError
        raise fate(f"the worker at {url} answers {answer.status_code}: {answer.text[:300]}")


def outcome(reader: Reader, command: Command) -> Outcome | None:
    """Return what became of a command; None while it waits. Raises as the reader does."""
    key = {"key": command.idempotency_key, "issued_at": command.issued_at}
    for told, detail in reader.frame(_OUTCOME, key).itertuples(index=False):
        return Outcome(told == "done", detail)
    return None
