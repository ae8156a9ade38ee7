"""Large mail made light before it enters the log: attachments lose their bodies.

Small mail stays as it is, byte for byte. Whatever is fed, memory is bounded and time is linear: an
attachment of 50 MB, a header of 1 GB, a line without end, 100,000 parts one inside the other.
"""

import re
from typing import Final

MAX_WHOLE_BYTES: Final = 256_000
MAX_HEADER_BYTES: Final = 128_000
MAX_TEXT_BYTES: Final = 512_000
MAX_LIGHT_BYTES: Final = 1_500_000
MAX_LINE_BYTES: Final = 64_000
MAX_DEPTH: Final = 32
"""Parts that lie deeper are dropped; decoding looks at 20 levels."""

_SHORT_LINE_BYTES: Final = 1_000
_SKIPPED_BYTES: Final = 4_096
"""Where less is fed at once, looking for what matters costs more than it saves."""

_BOUNDARY: Final = re.compile(rb'boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.I)
_TYPE: Final = re.compile(rb"^content-type:\s*([\w.+-]+)/", re.I | re.M)
_ATTACHED: Final = re.compile(rb"^content-disposition:\s*attachment", re.I | re.M)
_AT_DASHES: Final = re.compile(rb"(?:\r?\n|\r(?!\n))(?=--)")
_AT_DASHES_OR_BLANK: Final = re.compile(rb"(?:\r?\n|\r(?!\n))(?=--|[ \t]*[\r\n])")


class Lightener:
    """Takes one mail in pieces of any size and gives it back, light where it is large."""

    def __init__(self) -> None:
        self._whole: list[bytes] = []
        self._size = 0
        self._filter: _Filter | None = None

    def feed(self, piece: bytes) -> None:
        """Add the next bytes of the mail."""
        self._size += len(piece)
        if self._filter is None and self._size <= MAX_WHOLE_BYTES:
            self._whole.append(piece)
            return
        if self._filter is None:
            self._filter = _Filter()
            self._filter.feed(b"".join(self._whole))
            self._whole.clear()
        self._filter.feed(piece)

    def mail(self) -> bytes:
        """Return the mail; a lightened one tells in its first header how large it was."""
        if self._filter is None:
            return b"".join(self._whole)
        return b"X-Headwater-Lightened-From-Bytes: %d\n" % self._size + self._filter.kept()


class _Filter:
    """Keeps headers, boundaries and text bodies; drops the bodies of everything else."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._size = 0
        self._line = b""
        self._is_line_start = True
        self._boundaries: list[bytes] = []
        self._header: list[bytes] | None = []
        self._left = MAX_HEADER_BYTES  # of the header or body that is being read

    def feed(self, piece: bytes) -> None:
        fed = self._line + piece
        if self._left == 0 and len(fed) >= _SKIPPED_BYTES:
            fed = self._from_what_matters(fed)
        lines = fed.splitlines(keepends=True)
        self._line = b""
        if lines and not lines[-1].endswith(b"\n") and len(lines[-1]) < MAX_LINE_BYTES:
            self._line = lines.pop()
        for line in lines:
            self._add(line)

    def kept(self) -> bytes:
        if self._line:
            self._add(self._line)
        return b"".join(self._kept)

    def _from_what_matters(self, fed: bytes) -> bytes:
        """Leave out the lines up to the first that may end what is being dropped."""
        ends = _AT_DASHES if self._header is None else _AT_DASHES_OR_BLANK
        before = b"\n" if self._is_line_start else b""
        if found := ends.search(before + fed):
            begins = found.end() - len(before)
        else:
            begins = 1 + max(fed.rfind(b"\n", 0, -1), fed.rfind(b"\r", 0, -1))
        self._is_line_start = self._is_line_start or begins > 0
        return fed[begins:]

    def _add(self, line: bytes) -> None:
        is_start, self._is_line_start = self._is_line_start, line.endswith((b"\n", b"\r"))
        if is_start and self._is_boundary(line.rstrip()):
            self._keep(line)
        elif self._header is None:
            self._add_to_body(line)
        elif is_start and not line.strip():
            self._keep(line)
            self._start_body(b"".join(self._header))
        elif self._left >= len(line):
            self._header.append(line)
            self._left -= len(line)
            self._keep(line)
        elif len(line) < _SHORT_LINE_BYTES:
            self._left = 0  # it is full; a line that is longer by itself may be followed by others

    def _is_boundary(self, line: bytes) -> bool:
        """Notice a boundary, and what it begins or ends."""
        if not line.startswith(b"--"):
            return False
        for depth, boundary in enumerate(self._boundaries):
            if line == b"--" + boundary:
                del self._boundaries[depth + 1 :]
                self._start_part()
                return True
            if line == b"--" + boundary + b"--":
                del self._boundaries[depth:]
                self._header, self._left = None, 0
                return True
        return False

    def _start_part(self) -> None:
        self._header = []
        self._left = MAX_HEADER_BYTES

    def _start_body(self, header: bytes) -> None:
        kind = _TYPE.search(header)
        is_multipart = kind is not None and kind.group(1).lower() == b"multipart"
        is_shallow = len(self._boundaries) < MAX_DEPTH
        if is_multipart and is_shallow and (found := _BOUNDARY.search(header)):
            self._boundaries.append(found.group(1) or found.group(2))
        is_text = kind is None or kind.group(1).lower() == b"text"
        self._header = None
        self._left = MAX_TEXT_BYTES if is_text and not _ATTACHED.search(header) else 0

    def _add_to_body(self, line: bytes) -> None:
        if self._left >= len(line):
            self._left -= len(line)
            self._keep(line)
        else:
            self._left = 0

    def _keep(self, line: bytes) -> None:
        if self._size + len(line) <= MAX_LIGHT_BYTES:
            self._size += len(line)
            self._kept.append(line)
