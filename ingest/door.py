"""What the doors of the worker's web server share: a bounded body in, a status and JSON out."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from faust.web import View
from typing_extensions import override

_PIECE_BYTES: Final = 65_536


class Answer(NamedTuple):
    """What the caller hears: an HTTP status and a JSON object."""

    status: int
    body: dict[str, object]


Receive = Callable[[str, bytes], Awaitable[Answer]]
"""Answers a request's one header that matters, and its body."""


def serve(app: Any, path: str, header: str, max_bytes: int, receive: Receive) -> None:
    """Answer what is posted to a path with what `receive` makes of the header and the body."""

    @app.page(path)
    class Door(View):
        """A path of the worker's web server."""

        @override
        async def post(self, request: Any) -> Any:
            """Answer one request; a body over the limit is not read to its end."""
            body = await _body(request, max_bytes)
            if body is None:
                answer = Answer(413, {"error": f"the body is larger than {max_bytes:,} bytes"})
            else:
                answer = await receive(request.headers.get(header, ""), body)
            return self.json(answer.body, status=answer.status)


async def _body(request: Any, max_bytes: int) -> bytes | None:
    body = bytearray()
    async for piece in request.content.iter_chunked(_PIECE_BYTES):
        body += piece
        if len(body) > max_bytes:
            return None
    return bytes(body)
