"""The bytes of the native protocol: numbers, strings, and compressed frames."""

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from clickhouse_cityhash.cityhash import (  # type: ignore[import-untyped]  # it has no types
    CityHash128,
)
from clickhouse_driver.bufferedreader import CompressedBufferedReader
from clickhouse_driver.compression import get_decompressor_cls
from clickhouse_driver.errors import Error
from clickhouse_driver.varint import make_varint, read_varint
from lz4 import block as lz4  # type: ignore[import-untyped]  # it has no types

from local.clickhouse.errors import QueryError

# From 54454 on each column says how it is serialised; before it, a block is the Native format.
REVISION: Final = 54453
_FRAME_HEAD: Final = struct.Struct("<16sBII")
_FRAME_SIZES: Final = struct.Struct("<BII")
_HASH: Final = struct.Struct("<QQ")
_LZ4: Final = 0x82
_UINT64: Final = struct.Struct("<Q")


class FromClient(IntEnum):
    """The first number of what a client says."""

    HELLO = 0
    QUERY = 1
    DATA = 2
    CANCEL = 3
    PING = 4


class FromServer(IntEnum):
    """The first number of what a server says."""

    HELLO = 0
    DATA = 1
    EXCEPTION = 2
    PROGRESS = 3
    PONG = 4
    END_OF_STREAM = 5
    PROFILE = 6


class Stream:
    """Bytes as they come in, buffered; what was read since `mark` can be had raw.

    Args:
        fill: returns the next bytes; none at all means the end.
    """

    def __init__(self, fill: Callable[[], bytes]) -> None:
        self._fill = fill
        self._chunks: list[bytes] | None = None
        self.reader = CompressedBufferedReader(self._more, 1)

    def read(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            EOFError: if there are not as many.
        """
        parts = []
        while count > 0:
            part = self.buffered(count)
            self.reader.position += len(part)
            parts.append(part)
            count -= len(part)
            if count:
                self._refill()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, count: int) -> None:
        """Go past the next bytes."""
        reader = self.reader
        while (left := reader.current_buffer_size - reader.position) < count:
            count -= left
            self._refill()
        reader.position += count

    def skip_strings(self, count: int) -> None:
        """Go past the next strings, each with its length before it."""
        self.reader.read_strings(count)

    def varint(self) -> int:
        """Return the next number of variable length."""
        return int(read_varint(self.reader))

    def uint64(self) -> int:
        """Return the next number of eight bytes."""
        return int(_UINT64.unpack(self.read(8))[0])

    def text(self, longest: int = 1 << 30) -> str:
        """Return the next string; bytes that are not UTF-8 survive a round trip.

        Raises:
            QueryError: if it is longer than allowed.
        """
        length = self.varint()
        if length > longest:
            raise QueryError(
                131, f"a string of {length} bytes is too long", "TOO_LARGE_STRING_SIZE"
            )
        return self.read(length).decode("utf-8", "surrogateescape")

    def buffered(self, most: int) -> bytes:
        """Return bytes that came in and were not read yet, without reading them."""
        reader = self.reader
        end = min(reader.position + most, reader.current_buffer_size)
        return bytes(reader.buffer[reader.position : end])

    def mark(self) -> None:
        """Keep what is read from here on."""
        self._chunks = [self.buffered(self.reader.current_buffer_size)]

    def take(self) -> bytes:
        """Return the raw bytes read since `mark`."""
        kept = b"".join(self._chunks or [])
        self._chunks = None
        unread = self.reader.current_buffer_size - self.reader.position
        return kept[: len(kept) - unread]

    def _more(self) -> bytes:
        chunk = self._fill()
        if self._chunks is not None:
            self._chunks.append(chunk)
        return chunk

    def _refill(self) -> None:
        self.reader.position = self.reader.current_buffer_size
        self.reader.read_into_buffer()
        self.reader.position = 0


def varint(number: int) -> bytes:
    """Return a number as the protocol writes it, seven bits a byte."""
    return bytes(make_varint(number))


def text(string: str) -> bytes:
    """Return a string as the protocol writes it, its length before it."""
    raw = string.encode("utf-8", "surrogateescape")
    return varint(len(raw)) + raw


def compress(block: bytes) -> bytes:
    """Return a block in an LZ4 frame with its checksum."""
    body = lz4.compress(block, store_size=False)
    frame = _FRAME_SIZES.pack(_LZ4, len(body) + _FRAME_SIZES.size, len(block)) + body
    return _checksum(frame) + frame


def decompress(stream: Stream) -> bytes:
    """Return the content of the next frame.

    Raises:
        QueryError: if its checksum is wrong or its method unknown.
    """
    checksum, method, size, content_size = _FRAME_HEAD.unpack(stream.read(_FRAME_HEAD.size))
    body = stream.read(size - _FRAME_SIZES.size)
    if checksum != _checksum(_FRAME_SIZES.pack(method, size, content_size) + body):
        raise QueryError(40, "a compressed frame came in corrupted", "CHECKSUM_DOESNT_MATCH")
    try:
        decompressor = get_decompressor_cls(method)(None)
    except (Error, ImportError) as error:
        raise QueryError(
            89,
            f"compression method {method:#x} is unknown here: use lz4",
            "UNKNOWN_COMPRESSION_METHOD",
        ) from error
    return bytes(decompressor.decompress_data(body, content_size))


def _checksum(frame: bytes) -> bytes:
    high_low = divmod(CityHash128(frame), 1 << 64)
    return _HASH.pack(*high_low)
