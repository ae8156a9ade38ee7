"""The receipt of an erasure: what was done, when all is clean, and a signature."""

import hmac
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from contracts.errors import UserError

_FOLDER: Final = "erasures"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased, told without naming anybody.

    Attributes:
        token: the keyed hash of the address or number.
        rows: changed or deleted, by table; `log_records` and `files` likewise.
        warehouse_clean_at: by then the warehouse has taken its replaced files off the disk.
        log_clean_on: the day on which no record of the log holds the person any more.
        backups_clean_on: the day on which no backup does, if backups are kept as long as the
            setting `backup_days` says.
        left_to_you: files in the home that are not ours and name the person: sources, exports.
        signature: HMAC-SHA256 of all the other fields, in hexadecimal.
    """

    erasure_id: UUID
    token: str
    kind: str
    begun_at: datetime
    done_at: datetime
    rows: dict[str, int]
    log_records: int
    files: int
    warehouse_clean_at: datetime
    log_clean_on: date
    backups_clean_on: date
    left_to_you: int
    signature: str = ""


def signed(receipt: Receipt, key: bytes) -> Receipt:
    """Return the receipt with its signature."""
    return replace(receipt, signature=_signature(receipt, key))


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the receipt as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(receipt))


def verified(data: bytes, key: bytes) -> Receipt:
    """Read a receipt.

    Raises:
        UserError: if it is none, or a single letter of it was changed.
    """
    try:
        receipt = msgspec.json.decode(data, type=Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"this is not a receipt of an erasure: {error}") from error
    if not hmac.compare_digest(receipt.signature, _signature(receipt, key)):
        raise UserError("the signature does not fit: it was changed, or signed with another key")
    return receipt


def keep(home: Path, receipt: Receipt) -> None:
    """Keep a receipt in the home: a warehouse that is restored may not know of it."""
    folder = home / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / f"{receipt.erasure_id}.json").write_bytes(encode_receipt(receipt))


def kept(home: Path, key: bytes) -> list[Receipt]:
    """Return the receipts that a home keeps; raises as `verified` does."""
    return [verified(file.read_bytes(), key) for file in sorted((home / _FOLDER).glob("*.json"))]


def _signature(receipt: Receipt, key: bytes) -> str:
    told = msgspec.json.encode(replace(receipt, signature=""), order="deterministic")
    return hmac.digest(key, told, "sha256").hex()
