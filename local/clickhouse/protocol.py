"""What a client and the server say to each other, on one socket."""

import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from local.clickhouse.errors import OutOfStep, QueryError, unsupported
from local.clickhouse.native import Block, Column, header, read_block
from local.clickhouse.wire import (
    REVISION,
    FromClient,
    FromServer,
    Stream,
    compress,
    decompress,
    text,
    varint,
)

_RECEIVED_AT_ONCE: Final = 1 << 18
_LONGEST_NAME: Final = 1 << 12
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # not an overflow, no bucket
_IMPORTANT: Final = 1
_TCP: Final = 1


@dataclass(frozen=True)
class Hello:
    """A client's first words."""

    client: str
    database: str
    user: str
    password: str


@dataclass(frozen=True)
class Setting:
    """A setting sent with a query; an important one must not be passed over."""

    value: str
    important: bool


@dataclass(frozen=True)
class Query:
    """What a client asks; tables of its own may follow it."""

    settings: dict[str, Setting]
    sql: str


class Progress(NamedTuple):
    """How far a query came: what was read, what there is to read, what was written."""

    rows: int = 0
    bytes: int = 0
    total_rows: int = 0
    written_rows: int = 0
    written_bytes: int = 0


class Channel:
    """One client's socket. One thread reads; any thread may send.

    Raises:
        EOFError, OSError: from every method, once the client is gone.
    """

    def __init__(self, client: socket.socket) -> None:
        self._socket = client
        self._sending = threading.Lock()
        self._stream = Stream(self._receive)
        self._frames = Stream(lambda: decompress(self._stream))
        self._compressed = False

    def read_kind(self) -> int:
        """Wait for what the client says next; return what kind of thing it is."""
        return self._stream.varint()

    def read_hello(self) -> Hello | None:
        """Read the client's first words; nothing if it speaks another protocol.

        Raises:
            QueryError: if the client is too old to be understood.
        """
        if self.read_kind() != FromClient.HELLO:
            return None
        client = self._name()
        self._skip(numbers=2)  # its version
        revision = self._stream.varint()
        hello = Hello(client, self._name(), self._name(), self._name())
        if revision < REVISION:
            raise unsupported(f"{client} of protocol revision {revision}, before {REVISION},")
        return hello

    def read_query(self) -> Query:
        """Read a query; what follows is compressed if the client asks for it."""
        self._skip(texts=1)  # the query's id
        self._skip_client_info()
        settings = self._read_settings()
        self._skip(texts=1, numbers=1)  # a secret between servers, the stage to process to
        self._compressed = bool(self._stream.varint())
        return Query(settings, self._stream.text())

    def read_data(self) -> tuple[str, Block] | None:
        """Read a block and the name of the table it is for; nothing if the client cancels.

        Raises:
            OutOfStep: if the client says something else, or sends a block of unknown layout.
        """
        kind = self.read_kind()
        if kind == FromClient.CANCEL:
            return None
        if kind != FromClient.DATA:
            raise OutOfStep(101, f"unexpected packet {kind}", "UNEXPECTED_PACKET_FROM_CLIENT")
        try:
            return self._stream.text(), self._read_block()
        except QueryError as error:
            raise OutOfStep(error.code, error.text) from error

    def peek(self) -> int | None:
        """Return the kind of thing that the client says next, without waiting; from any thread.

        Raises:
            EOFError: if the client is gone.
        """
        first = self._stream.buffered(1)
        try:
            first = first or self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            raise EOFError("the connection broke") from error
        if not first:
            raise EOFError("the client closed the connection")
        return first[0]

    def send_hello(self, version: str, timezone: str, host: str) -> None:
        """Greet the client."""
        major, minor, patch = (int(part) for part in version.split(".")[:3])
        name = text("ClickHouse") + varint(major) + varint(minor) + varint(REVISION)
        self._send(FromServer.HELLO, name + text(timezone) + text(host) + varint(patch))

    def send_header(self, columns: Sequence[Column]) -> None:
        """Tell the columns to come: a client takes them from a first block without rows."""
        if columns:
            self.send_block(header(columns))

    def send_block(self, native: bytes) -> None:
        """Send a block."""
        block = _BLOCK_INFO + native
        self._send(FromServer.DATA, text("") + (compress(block) if self._compressed else block))

    def send_error(self, error: QueryError) -> None:
        """Tell the client what went wrong."""
        code = struct.pack("<i", error.code)
        self._send(
            FromServer.EXCEPTION, code + text("DB::Exception") + text(error.text) + text("") + b"\0"
        )

    def send_progress(self, progress: Progress) -> None:
        """Tell how far a query came since the last time."""
        self._send(FromServer.PROGRESS, b"".join(map(varint, progress)))

    def send_profile(self, rows: int, blocks: int, size: int) -> None:
        """Tell how much was sent."""
        limits = b"\0" + varint(0) + b"\0"  # no limit was applied, nothing calculated
        self._send(FromServer.PROFILE, varint(rows) + varint(blocks) + varint(size) + limits)

    def send_pong(self) -> None:
        """Answer a ping."""
        self._send(FromServer.PONG)

    def send_end(self) -> None:
        """Tell that a query has ended well."""
        self._send(FromServer.END_OF_STREAM)

    def hang_up(self) -> None:
        """End the conversation: who waits for the client, from any thread, finds it gone."""
        with suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def patience(self, seconds: float | None) -> None:
        """Wait for the client no longer than this at a time; None is for ever."""
        self._socket.settimeout(seconds)

    def _receive(self) -> bytes:
        return self._socket.recv(_RECEIVED_AT_ONCE)

    def _send(self, kind: FromServer, body: bytes = b"") -> None:
        with self._sending:
            self._socket.sendall(varint(kind) + body)

    def _name(self) -> str:
        return self._stream.text(_LONGEST_NAME)

    def _read_settings(self) -> dict[str, Setting]:
        settings = {}
        while name := self._stream.text():
            important = bool(self._stream.varint() & _IMPORTANT)
            settings[name] = Setting(self._stream.text(), important)
        return settings

    def _read_block(self) -> Block:
        stream = self._frames if self._compressed else self._stream
        while field := stream.varint():
            stream.skip(1 if field == 1 else 4)  # is_overflows, bucket_num
        return read_block(stream)

    def _skip_client_info(self) -> None:
        """Go past who asks: the server serves one user, so that it does not matter."""
        stream = self._stream
        if stream.read(1) == b"\0":
            return
        self._skip(texts=3)  # the first user, query id and address
        stream.skip(8)  # when the query began
        if stream.read(1)[0] == _TCP:
            self._skip(texts=3, numbers=3)  # the system's user, the host, the client; its version
        self._skip(texts=1, numbers=2)  # the quota key; the depth, the version's patch
        if stream.read(1) == b"\x01":  # a trace
            stream.skip(24)
            self._skip(texts=1)
            stream.skip(1)
        self._skip(numbers=3)  # parallel replicas

    def _skip(self, *, texts: int = 0, numbers: int = 0) -> None:
        for _ in range(texts):
            self._stream.text()
        for _ in range(numbers):
            self._stream.varint()
