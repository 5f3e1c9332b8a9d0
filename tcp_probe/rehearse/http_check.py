from __future__ import annotations

import re
import ssl
from contextlib import AsyncExitStack
from email.parser import BytesHeaderParser
from math import inf
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import anyio
from anyio.abc import ByteReceiveStream, ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.stapled import StapledByteStream
from anyio.streams.tls import TLSStream

from tcp_probe.kubelet.go_format import joined
from tcp_probe.kubelet.messages import AWAITING, READING, get_failed, http_status, redirects_ended
from tcp_probe.kubelet.steps import Outcome

from .dial import DialError, dial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message

    from anyio.abc import SocketStream

    from tcp_probe.kubelet.handlers import HttpGet

BODY_LIMIT = 10 * 1024
HEAD_LIMIT = 64 * 1024
BODILESS = (204, 304)
LAST_CHUNK = b"0\r\n\r\n"
INFORMATIONAL = range(100, 200)
SUCCESS = range(200, 400)
REDIRECTION = range(300, 400)
REDIRECTS = (301, 302, 303, 307, 308)
REDIRECT_LIMIT = 10
# What OpenSSL says of an answer that is no TLS.
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


class _HttpError(Exception):
    """A page could not be got; the message is the one that kubelet shows."""


class _BodyError(Exception):
    """The headers of a page came, but not all of its body."""


async def http_check(handler: HttpGet, limit: float) -> Outcome:
    """Get a page as kubelet does: 200 to 399 is success, redirects within the host are followed."""
    get = _Get(handler)
    with anyio.move_on_after(limit):
        return await get.run()
    return get.on_timeout


class _Get:
    def __init__(self, handler: HttpGet) -> None:
        self.headers = handler.headers
        self.host = handler.host
        self.url = handler.url
        self.on_timeout = Outcome(success=False)

    async def run(self) -> Outcome:
        location = ""
        try:
            for _ in range(REDIRECT_LIMIT):
                status, headers, body = await self._page()
                location = headers.get("Location", "")
                target = urljoin(self.url, location)
                if not (status in REDIRECTS and location) or urlsplit(target).hostname != self.host:
                    return _verdict(status, body)
                self.url = target
        except (DialError, _HttpError) as error:
            return self._failure(str(error))
        except _BodyError as error:
            return _unknown(str(error))
        # Go quotes the last redirect as it came, which may be a path alone.
        stopped = get_failed(location, f"stopped after {REDIRECT_LIMIT} redirects")
        return Outcome(success=False, message=stopped)

    async def _page(self) -> tuple[int, Message, bytes]:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self.on_timeout = self._failure(f"context deadline exceeded {AWAITING}")
        connection = await dial(host, port)
        stream: ByteStream = connection
        between = f"{_local(connection)}->{joined(host, port)}"
        async with AsyncExitStack() as stack:
            stack.push_async_callback(connection.aclose)
            try:
                if parts.scheme == "https":
                    stream = await _without_verification(connection)
                    stack.push_async_callback(stream.aclose)
                await stream.send(_request(parts.path, parts.query, parts.netloc, self.headers))
                received = BufferedByteReceiveStream(stream)
                status, headers = await _head(received)
            except anyio.EndOfStream:
                raise _HttpError("EOF") from None
            except anyio.BrokenResourceError:
                raise _HttpError(f"read tcp {between}: read: connection reset by peer") from None
            self.on_timeout = _unknown(f"context deadline exceeded {READING}")
            return status, headers, await _body(received, status, headers)

    def _failure(self, reason: str) -> Outcome:
        return Outcome(success=False, message=get_failed(self.url, reason))


def _unknown(reason: str) -> Outcome:
    # kubelet does not count a page whose body breaks off, only one that does not come.
    return Outcome(success=None, message=reason, state="failure")


def _verdict(status: int, body: bytes) -> Outcome:
    if status not in SUCCESS:
        return Outcome(success=False, message=http_status(status))
    if status not in REDIRECTION:
        return Outcome(success=True)
    text = body.decode(errors="replace")
    return Outcome(success=True, message=redirects_ended(text))


def _local(connection: SocketStream) -> str:
    address = connection.extra(SocketAttribute.local_address)  # noqa: S610 - this is no Django
    return joined(str(address[0]), int(address[1]))


async def _without_verification(connection: SocketStream) -> ByteStream:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    heard = _Heard(connection)
    try:
        return await TLSStream.wrap(
            StapledByteStream(connection, heard),
            server_side=False,
            ssl_context=context,
            standard_compatible=False,
        )
    except ssl.SSLError as error:
        if heard.first.startswith(b"HTTP/"):
            raise _HttpError("http: server gave HTTP response to HTTPS client") from None
        if error.reason in NO_TLS:
            raise _HttpError("tls: first record does not look like a TLS handshake") from None
        raise _HttpError(f"tls: {error.reason}") from None


class _Heard(ByteReceiveStream):
    """Passes bytes on and keeps the first ones that came, which tell what the peer speaks."""

    def __init__(self, stream: ByteStream) -> None:
        self.first = b""
        self._stream = stream

    async def receive(self, max_bytes: int = 65536) -> bytes:
        received = await self._stream.receive(max_bytes)
        self.first = self.first or received
        return received

    async def aclose(self) -> None:
        await self._stream.aclose()


def _request(path: str, query: str, host: str, headers: Sequence[tuple[str, str]]) -> bytes:
    given = {name.title() for name, _ in headers}
    defaults = [("Host", host), ("User-Agent", "kube-probe/1.36"), ("Accept", "*/*")]
    lines = [f"GET {path}{'?' if query else ''}{query} HTTP/1.1"]
    for name, value in (*((n, v) for n, v in defaults if n not in given), *headers):
        if re.search(r"[\r\n\0]", name + value):
            raise _HttpError(f"net/http: invalid header field value for {name!r}")
        lines.append(f"{name}: {value}")
    lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


async def _head(received: BufferedByteReceiveStream) -> tuple[int, Message]:
    malformed = "net/http: HTTP/1.x transport connection broken: malformed HTTP response"
    status = INFORMATIONAL[0]
    while status in INFORMATIONAL:
        try:
            head = await received.receive_until(b"\r\n\r\n", HEAD_LIMIT)
        except (anyio.IncompleteRead, anyio.EndOfStream):
            if received.buffer:
                raise _HttpError(malformed) from None
            raise _HttpError("EOF") from None
        except anyio.DelimiterNotFound:
            raise _HttpError(malformed) from None
        line, _, fields = head.partition(b"\r\n")
        match = re.match(rb"HTTP/1\.[01] (\d{3})(?: |$)", line)
        if not match:
            raise _HttpError(f'{malformed} "{line[:100].decode(errors="replace")}"')
        status = int(match[1])
    return status, BytesHeaderParser().parsebytes(fields)


async def _body(received: BufferedByteReceiveStream, status: int, headers: Message) -> bytes:
    if status in BODILESS:
        return b""
    length = headers.get("Content-Length", "")
    end = int(length) if length.isdecimal() else inf
    chunked = headers.get("Transfer-Encoding", "") == "chunked"
    body = b""
    try:
        while len(body) < min(end, BODY_LIMIT) and not (chunked and body.endswith(LAST_CHUNK)):
            body += await received.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        if end < inf:
            raise _BodyError("unexpected EOF") from None
    return body[:BODY_LIMIT]
