"""A proxy on loopback between a client and a real IMAP server, that spoils answers as told."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

_LITERAL: Final = re.compile(rb"\{\d+\}\r\n")

Spoil = Callable[[bytes, bytes], tuple[bytes, bool]]
"""Of a command's tag and the server's whole answer: what the client gets, and whether it stays
connected."""


def refused(text: str) -> Spoil:
    """Half of what was asked for, and then a refusal."""
    return lambda tag, answer: (_half(answer) + tag + f" NO {text}\r\n".encode(), True)


def shut_down(tag: bytes, answer: bytes) -> tuple[bytes, bool]:
    """Half of what was asked for, and then a server that leaves."""
    return _half(answer) + b"* BYE [UNAVAILABLE] Server shutting down.\r\n", False


def cut(tag: bytes, answer: bytes) -> tuple[bytes, bool]:
    """Two literals and a piece of the next."""
    begins = [found.end() for found in _LITERAL.finditer(answer)]
    return answer[: begins[min(2, len(begins) - 1)] + 10], False


def silent(tag: bytes, answer: bytes) -> tuple[bytes, bool]:
    """A piece of a literal, and then nothing more."""
    return cut(tag, answer)[0], True


def _half(answer: bytes) -> bytes:
    """Whole untagged responses."""
    responses = [found.start() + 2 for found in re.finditer(rb"\r\n\* \d+ FETCH", answer)]
    return answer[: responses[len(responses) // 2]] if responses else b""


@dataclass
class Proxy:
    """What is in `spoils` happens to the answers of commands that hold `command`, one by one.

    Attributes:
        spoiled: how many answers were.
        forever: whether the last one happens again and again.
        spared: how many answers pass before each that is spoiled.
        let_go: what `keep_back` waits for.
    """

    port: int
    command: bytes = b"BODY.PEEK[HEADER]"
    spoils: list[Spoil] = field(default_factory=list)
    spoiled: int = 0
    forever: bool = False
    spared: int = 0
    passed: int = 0
    let_go: Event = field(default_factory=Event)

    def keep_back(self, tag: bytes, answer: bytes) -> tuple[bytes, bool]:
        """The answer, once it is let go."""
        self.let_go.wait()
        return answer, True

    def next_spoil(self, line: bytes) -> Spoil | None:
        """Take what happens to a command's answer."""
        if self.command not in line or not self.spoils:
            return None
        if self.passed < self.spared:
            self.passed += 1
            return None
        self.passed = 0
        self.spoiled += 1
        return self.spoils[0] if self.forever and len(self.spoils) == 1 else self.spoils.pop(0)


@contextmanager
def proxied(server_port: int) -> Iterator[Proxy]:
    """Stand before a server while the body runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener.getsockname()[1])
        Thread(target=_accept, args=(listener, server_port, proxy), daemon=True).start()
        yield proxy
        proxy.let_go.set()
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server_port: int, proxy: Proxy) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", server_port))
            Thread(target=_Connection(client, server, proxy).serve, daemon=True).start()


class _Connection:
    def __init__(self, client: socket.socket, server: socket.socket, proxy: Proxy) -> None:
        self._client, self._server, self._proxy = client, server, proxy
        self._waiting: tuple[bytes, Spoil] | None = None
        self._done = Event()

    def serve(self) -> None:
        Thread(target=self._answers, daemon=True).start()
        with suppress(OSError):
            while line := self._client.recv(65_536):
                if spoil := self._proxy.next_spoil(line):
                    self._waiting = line.split(b" ", 1)[0], spoil
                self._server.sendall(line)
        self._close()

    def _answers(self) -> None:
        held = b""
        with suppress(OSError):
            while data := self._server.recv(65_536):
                held += data
                if self._waiting is None:
                    self._client.sendall(held)
                    held = b""
                elif re.search(rb"(?:^|\r\n)" + self._waiting[0] + rb" [^\r\n]*\r\n\Z", held):
                    (tag, spoil), self._waiting = self._waiting, None
                    told, stays = spoil(tag, held)
                    self._client.sendall(told)
                    held = b""
                    if not stays:
                        break
        self._close()

    def _close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()
