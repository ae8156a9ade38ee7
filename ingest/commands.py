"""A person's acts: taken at an authenticated door, logged, and carried out once."""

import hmac
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

import msgspec
from pydantic import SecretStr

from contracts.command import Command, CommandKind
from contracts.command_rows import CommandRow
from contracts.company import Company
from contracts.errors import HeadwaterError, Rejected, UserError
from contracts.matching import PERSON_POINTS
from contracts.plan_rules import ruled
from contracts.rows import MatchRow
from ingest.directory import crm_version
from ingest.door import Answer
from transforms.address import normalise, untagged
from transforms.identity import RULE_VERSION
from warehouse.reader import Reader
from warehouse.writer import Writer

PATH: Final = "/commands"
HEADER: Final = "Authorization"
MAX_BODY_BYTES: Final = 100_000
DONE: Final = "done"
REFUSED: Final = "refused"

_RESERVED: Final = {"", "rule"}
_DONE_BEFORE: Final = """
    SELECT count() FROM raw.command
    WHERE idempotency_key = %(key)s AND outcome = 'done'
"""
_KNOWN: Final = """
    SELECT
        (SELECT count() FROM raw.activity WHERE activity_id = %(activity_id)s) AS activities,
        (SELECT count() FROM live.account WHERE account_id = %(account_id)s) AS accounts
"""
_TOOK_PART: Final = """
    SELECT count() FROM raw.activity
    WHERE arrayExists(
        who -> replaceRegexpOne(who, '\\\\+[^@]+@', '@') = %(address)s, participant_address)
"""
_DEALS_ACCOUNT: Final = """
    SELECT account_id FROM live.opportunity WHERE opportunity_id = %(opportunity_id)s
"""

_decoder: Final = msgspec.json.Decoder(Command)
LogCommand = Callable[[bytes], Awaitable[None]]
Replay = Callable[[str], Awaitable[int]]
Inherited = Callable[[UUID], Sequence[MatchRow]]


def decode_command(data: bytes) -> Command:
    """Read a command.

    Raises:
        Rejected: `bad_command`, with the field and what is wrong with it.
    """
    try:
        command = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("bad_command", str(error)) from error
    if command.actor in _RESERVED:
        raise Rejected("bad_command", f"actor: {command.actor!r} is not a person")
    if command.issued_at.tzinfo is None:
        raise Rejected("bad_command", "issued_at has no time zone: write 2026-11-23T10:00:00Z")
    return command


class CommandDoor:
    """Takes commands from whoever has the token, and answers once the log has them."""

    def __init__(self, log_command: LogCommand, token: SecretStr) -> None:
        self._log_command = log_command
        self._token = token

    async def receive(self, authorization: str, body: bytes) -> Answer:
        """Log a command; it is carried out soon after."""
        expected = f"Bearer {self._token.get_secret_value()}"
        if not hmac.compare_digest(authorization.encode("utf-8", "replace"), expected.encode()):
            return Answer(401, {"error": "the header Authorization must be Bearer <command token>"})
        try:
            command = decode_command(body)
        except Rejected as rejected:
            return Answer(400, {"error": str(rejected)})
        try:
            await self._log_command(body)
        except HeadwaterError:
            return Answer(503, {"error": "the log can't take it now: send it again later"})
        return Answer(202, {"idempotency_key": str(command.idempotency_key)})


class Commands:
    """Carries out commands, each key once.

    Args:
        reader, writer: of the warehouse.
        replay: sends the dead letters with a reason again; returns how many.
        inherited: decides again what a chosen activity hands its match on to.
    """

    def __init__(
        self, reader: Reader, writer: Writer, replay: Replay, inherited: Inherited
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._replay = replay
        self._inherited = inherited

    async def carry_out(self, command: Command) -> CommandRow | None:
        """Do what is asked and return what became of it; None if it was done before.

        The row is written last: a command that is interrupted is carried out again, and choosing
        the same match twice is choosing it once.

        Raises:
            Retryable: not now; call again.
        """
        if await to_thread(self._reader.value, _DONE_BEFORE, {"key": command.idempotency_key}):
            return None
        try:
            row = _row(command, DONE, await self._do(command))
        except Rejected as rejected:
            row = _row(command, REFUSED, str(rejected))
        await to_thread(self._writer.write, [row])
        return row

    async def _do(self, command: Command) -> str:
        if command.kind is CommandKind.REPLAY_DEAD_LETTERS:
            return f"{await self._replay(command.subject_id)} dead letters sent again"
        if command.kind in {CommandKind.ACCEPT_CONTACT, CommandKind.DISMISS_CONTACT}:
            return await to_thread(self._answered, command)
        if command.kind is CommandKind.SET_PLAN_RULES:
            return _ruled(command)
        return await to_thread(self._choose, command)

    def _choose(self, command: Command) -> str:
        chosen = self._chosen(command)
        self._writer.write([chosen])
        replies = self._inherited(chosen.activity_id)
        self._writer.write(replies)
        told = f"the activity belongs to {chosen.opportunity_id or chosen.account_id or 'nobody'}"
        return f"{told}, and {len(replies)} of its thread are decided again" if replies else told

    def _chosen(self, command: Command) -> MatchRow:
        activity_id = _activity_id(command)
        is_deal = command.kind is CommandKind.CHOOSE_OPPORTUNITY
        account_id = self._account_of(command.value) if is_deal else command.value
        known = self._reader.frame(
            _KNOWN, {"activity_id": activity_id, "account_id": account_id}
        ).iloc[0]
        if not known["activities"]:
            raise Rejected("unknown_activity", f"there is no activity {activity_id}")
        if account_id and not known["accounts"]:
            raise Rejected("unknown_account", f"the CRM has no account {account_id!r}")
        return MatchRow(
            activity_id=activity_id,
            decided_by=command.actor,
            matched_at=command.issued_at,
            account_id=account_id,
            contact_id="",
            rule="person",
            reason=command.reason,
            candidate_account_id=(account_id,) if account_id else (),
            rule_version=RULE_VERSION,
            crm_version=crm_version(self._reader),
            margin=PERSON_POINTS,
            opportunity_id=command.value if is_deal else "",
            opportunity_reason=command.reason if is_deal else "",
            opportunity_margin=PERSON_POINTS if is_deal else 0.0,
            candidate_opportunity_id=(command.value,) if is_deal else (),
        )

    def _answered(self, command: Command) -> str:
        """Return what becomes of a proposed contact: its row in the log of commands answers it."""
        address = command.subject_id
        if not normalise(address) == untagged(address) == address != "":
            raise Rejected("unknown_address", f"{address!r} is not an address as proposed")
        if not self._reader.value(_TOOK_PART, {"address": address}):
            raise Rejected("unknown_address", f"{address} took part in nothing that is stored")
        accepted = command.kind is CommandKind.ACCEPT_CONTACT
        return "accepted: add it to the CRM" if accepted else "dismissed"

    def _account_of(self, opportunity_id: str) -> str:
        """Return whose deal it is: who chooses a deal chooses its account."""
        found = self._reader.value(_DEALS_ACCOUNT, {"opportunity_id": opportunity_id})
        if not found:
            raise Rejected("unknown_opportunity", f"the CRM has no account for {opportunity_id!r}")
        return str(found)


def _ruled(command: Command) -> str:
    """Return what becomes of a plan's rules: their row in the log of commands holds them."""
    try:
        ruled(Company(), command.value)
    except UserError as error:
        raise Rejected("bad_rules", str(error)) from error
    return f"the next plan keeps {'these rules' if command.value else 'the rules of the settings'}"


def _activity_id(command: Command) -> UUID:
    try:
        return UUID(command.subject_id)
    except ValueError as error:
        raise Rejected("unknown_activity", f"{command.subject_id!r} is not an id") from error


def _row(command: Command, outcome: str, detail: str) -> CommandRow:
    return CommandRow(
        idempotency_key=command.idempotency_key,
        kind=command.kind,
        actor=command.actor,
        reason=command.reason,
        subject_id=command.subject_id,
        value=command.value,
        issued_at=command.issued_at,
        outcome=outcome,
        detail=detail,
    )
