from __future__ import annotations

import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tcp_probe.kubelet.handlers import HttpGet
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.http_check import BODY_LIMIT, HEAD_LIMIT, http_check

PATIENCE = 20.0
AWAITING = "(Client.Timeout exceeded while awaiting headers)"


class Server(socketserver.ThreadingTCPServer):
    """Answers each request with the next of some texts, and keeps what was asked."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.context = context
        self.requests: list[bytes] = []
        self.answers: list[bytes] = []
        self.keeps_open = False
        self.over = threading.Event()


class Handler(socketserver.BaseRequestHandler):
    """Handles one connection to a Server."""

    server: Server

    def handle(self) -> None:
        server = self.server
        with suppress(OSError):
            peer = self.request
            if server.context:
                peer = server.context.wrap_socket(peer, server_side=True)
            with peer:
                request = peer.recv(65536)
                if request:
                    server.requests.append(request)
                if server.answers:
                    answer = server.answers.pop(0)
                    peer.sendall(answer.replace(b"PORT", str(server.port).encode()))
                if server.keeps_open:
                    server.over.wait(PATIENCE)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve pages on a port of 127.0.0.1."""
    with serving() as server:
        yield server


async def get(server: Server, *answers: bytes, limit: float = PATIENCE, **more: str) -> Outcome:
    server.answers = list(answers)
    return await http_check(HttpGet(server.port, **more), limit)  # type: ignore[arg-type]


def page(status: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", body]).encode()


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "299", "200"])
async def test_a_page_passes(status: str, server: Server) -> None:
    """With a status from 200 to 299."""
    assert await get(server, page(status)) == Outcome(success=True)


@pytest.mark.parametrize("status", [199, 400, 404, 500, 503])
async def test_another_status_fails(status: int, server: Server) -> None:
    """It is told in kubelet's words; what is under 200 is not the last word of a server."""
    answer = page(f"{status} X")
    outcome = await get(server, page("100 Continue") + answer if status > 199 else answer)
    if status > 199:
        message = f"HTTP probe failed with statuscode: {status}"
    else:
        message = f'Get "http://127.0.0.1:{server.port}/": EOF'
    assert outcome == Outcome(success=False, message=message)


async def test_a_request_looks_like_kubelets(server: Server) -> None:
    """The user agent, the headers of the manifest, and nothing kept open."""
    await get(server, page("200 OK"), path="/live?full=a b")
    assert server.requests[0].decode() == (
        f"GET /live?full=a%20b HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "User-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


async def test_the_headers_of_the_manifest_are_sent(server: Server) -> None:
    """They replace the defaults."""
    server.answers = [page("200 OK")]
    headers = (("X-Probe", "1"), ("host", "worker"), ("User-Agent", "me"))
    assert (await http_check(HttpGet(server.port, path="x", headers=headers), PATIENCE)).success
    assert server.requests[0].decode().split("\r\n")[:-2] == [
        "GET /x HTTP/1.1",
        "Accept: */*",
        "X-Probe: 1",
        "host: worker",
        "User-Agent: me",
        "Connection: close",
    ]


async def test_a_header_of_two_lines_is_not_sent(server: Server) -> None:
    """It would be another request."""
    headers = (("X-Probe", "1\r\nEvil: 2"),)
    outcome = await http_check(HttpGet(server.port, headers=headers), PATIENCE)
    assert outcome.success is False
    assert "invalid header field value for 'X-Probe'" in outcome.message


@pytest.mark.parametrize("location", ["/other", "http://127.0.0.1:PORT/other", "other"])
async def test_a_redirect_within_the_host_is_followed(location: str, server: Server) -> None:
    """Relative or absolute."""
    moved = page("302 Found", f"Location: {location}")
    assert await get(server, moved, page("200 OK")) == Outcome(success=True)
    assert server.requests[1].startswith(b"GET /other HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        page("301 Moved", "Location: http://elsewhere.example/", body="over there"),
        page("302 Found", body="over there"),
        page("300 Multiple Choices", "Location: /a", body="over there"),
    ],
)
async def test_another_redirect_passes_with_a_warning(answer: bytes, server: Server) -> None:
    """To another host, to nowhere, or one that is no redirect."""
    message = "Probe terminated redirects, Response body: over there"
    assert await get(server, answer) == Outcome(success=True, message=message)


async def test_redirects_for_ever_fail(server: Server) -> None:
    """After ten of them."""
    outcome = await get(server, *[page("302 Found", "Location: /")] * 20)
    message = 'Get "/": stopped after 10 redirects'
    assert outcome == Outcome(success=False, message=message)
    assert len(server.requests) == 10


async def test_a_closed_port_fails(free_port: int) -> None:
    """With what kubelet could not do, and why."""
    outcome = await http_check(HttpGet(free_port, path="/live"), PATIENCE)
    refused = f"dial tcp 127.0.0.1:{free_port}: connect: connection refused"
    message = f'Get "http://127.0.0.1:{free_port}/live": {refused}'
    assert outcome == Outcome(success=False, message=message)


async def test_no_answer_fails_after_the_timeout(server: Server) -> None:
    """A server that has accepted and says nothing."""
    server.keeps_open = True
    outcome = await get(server, limit=0.3)
    url = f"http://127.0.0.1:{server.port}/"
    message = f'Get "{url}": context deadline exceeded {AWAITING}'
    assert outcome == Outcome(success=False, message=message)


async def test_no_connection_fails_after_the_timeout(server: Server) -> None:
    """A server that does not even take the connection, here before there was time for it."""
    outcome = await get(server, limit=0)
    address = f"127.0.0.1:{server.port}"
    message = f'Get "http://{address}/": context deadline exceeded {AWAITING}'
    assert outcome == Outcome(success=False, message=message)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "EOF"),
        (b"SSH-2.0-x\r\n\r\n", 'malformed HTTP response "SSH-2.0-x"'),
        (b"HTTP/1.1 200 OK\r\n", "malformed HTTP response"),
        (b"x" * (HEAD_LIMIT + 1), "malformed HTTP response"),
    ],
)
async def test_what_is_no_page_fails(answer: bytes, problem: str, server: Server) -> None:
    """Nothing at all, another protocol, half a head, or a head without an end."""
    outcome = await get(server, answer)
    assert outcome.success is False
    assert outcome.message.startswith(f'Get "http://127.0.0.1:{server.port}/": ')
    assert outcome.message.endswith(problem)


async def test_a_reset_connection_fails() -> None:
    """As kubelet says it."""

    def reset(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1)
            # To close without a FIN resets the connection.
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=reset, args=(listener,))
        thread.start()
        outcome = await http_check(HttpGet(port), PATIENCE)
        await anyio.to_thread.run_sync(thread.join)
    address = f"127.0.0.1:{port}"
    assert outcome.success is False
    message = rf'Get "http://{address}/": read tcp 127.0.0.1:\d+->{address}: '
    assert re.fullmatch(message + "read: connection reset by peer", outcome.message)


@pytest.mark.parametrize(
    "answer",
    [
        page("200 OK", "Content-Length: 4", body="fine"),
        page("200 OK", "Transfer-Encoding: chunked", body="4\r\nfine\r\n0\r\n\r\n"),
        page("204 No Content"),
        page("200 OK", body="x" * (BODY_LIMIT + 1)),
    ],
)
async def test_a_page_ends_where_it_says(answer: bytes, server: Server) -> None:
    """A connection that the server keeps open is not waited for."""
    server.keeps_open = True
    assert await get(server, answer) == Outcome(success=True)


async def test_a_body_that_breaks_off_is_no_result(server: Server) -> None:
    """Kubelet throws it away, too."""
    outcome = await get(server, page("200 OK", "Content-Length: 99", body="fi"))
    assert outcome == Outcome(success=None, message="unexpected EOF", state="failure")


async def test_a_body_that_does_not_end_is_no_result(server: Server) -> None:
    """After the timeout."""
    server.keeps_open = True
    outcome = await get(server, page("200 OK", "Content-Length: 99", body="fi"), limit=2)
    reading = "(Client.Timeout or context cancellation while reading body)"
    assert outcome == Outcome(
        success=None, message=f"context deadline exceeded {reading}", state="failure"
    )


async def test_https_is_not_verified() -> None:
    """Any certificate will do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent / "self-signed.pem")
    with serving(context) as server:
        assert await get(server, page("200 OK"), scheme="HTTPS") == Outcome(success=True)


async def test_https_that_fails_says_why() -> None:
    """Here the server only speaks a version that is too old."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent / "self-signed.pem")
    context.set_ciphers("AES256-SHA")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(context) as server:
        outcome = await get(server, page("200 OK"), scheme="HTTPS")
    assert outcome.success is False
    assert f'Get "https://127.0.0.1:{server.port}/": tls: ' in outcome.message


async def test_https_to_a_plain_server_fails(server: Server) -> None:
    """In the words of kubelet."""
    outcome = await get(server, page("400 Bad Request"), scheme="HTTPS")
    message = "http: server gave HTTP response to HTTPS client"
    url = f"https://127.0.0.1:{server.port}/"
    assert outcome == Outcome(success=False, message=f'Get "{url}": {message}')


async def test_https_to_a_server_that_speaks_something_else_fails(server: Server) -> None:
    """As old HTTP servers do, which answer what is no request with a page without headers."""
    outcome = await get(server, b"<!DOCTYPE HTML><html><head>", scheme="HTTPS")
    message = "tls: first record does not look like a TLS handshake"
    url = f"https://127.0.0.1:{server.port}/"
    assert outcome == Outcome(success=False, message=f'Get "{url}": {message}')


async def test_https_to_a_server_that_closes_fails(server: Server) -> None:
    """Without an answer, as a listener for tcpSocket probes does."""
    outcome = await get(server, scheme="HTTPS")
    url = f"https://127.0.0.1:{server.port}/"
    assert outcome == Outcome(success=False, message=f'Get "{url}": EOF')
