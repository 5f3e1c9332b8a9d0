"""What native/client.c does, for machines without a C compiler: the same arguments and output.

Its own start and its interpreter are in the figures, so that they are coarser.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import subprocess
import sys
import time
from array import array

_NO_LINGER_BEYOND = struct.pack("ii", 1, 1)  # s, as kubelet
_LIMIT = 20.0  # s


def main(arguments: list[str]) -> None:
    """Make the checks and write the records."""
    records = array("q")
    mode, *rest = arguments
    if mode == "one-by-one":
        kind, port, count, period, wait = rest
        next_time = time.monotonic_ns()
        for _ in range(int(count)):
            records.extend(_check(kind, int(port)))
            next_time += int(period)
            if int(period):
                _pause_until(next_time, spin=wait == "spin")
    elif mode == "at-once":
        kind, port, level, batches = rest
        for _ in range(int(batches)):
            records.extend(_at_once(kind, int(port), int(level)))
    else:
        for _ in range(int(rest[0])):
            records.extend(_command(rest[1:]))
    records.tofile(sys.stdout.buffer)


def _request(port: int) -> bytes:
    return (
        f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: kube-probe/1.36\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode()


def _socket() -> socket.socket:
    checked = socket.socket()
    checked.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER_BEYOND)
    return checked


def _pause_until(end: int, *, spin: bool) -> None:
    while (left := end - time.monotonic_ns()) > 0:
        if not spin:
            time.sleep(left / 1e9)


def _check(kind: str, port: int) -> tuple[int, int]:
    with _socket() as checked:
        checked.settimeout(_LIMIT)
        began = time.monotonic_ns()
        checked.connect(("127.0.0.1", port))
        connected = time.monotonic_ns()
        if kind == "http":
            checked.sendall(_request(port))
        if kind != "tcp":
            _accept_answer(kind, b"".join(iter(lambda: checked.recv(4096), b"")))
        ended = time.monotonic_ns()
    return connected - began, ended - began


def _accept_answer(kind: str, answer: bytes) -> None:
    if kind == "http" and not answer.startswith(b"HTTP/1.1 200"):
        sys.exit(f"expected HTTP/1.1 200, got {answer[:12]!r}")


def _at_once(kind: str, port: int, level: int) -> list[int]:
    records = [0] * (2 * level)
    answers = [b""] * level
    left = level
    began = time.monotonic_ns()
    with selectors.DefaultSelector() as selector:
        for index in range(level):
            checked = _socket()
            checked.settimeout(0)
            checked.connect_ex(("127.0.0.1", port))
            selector.register(checked, selectors.EVENT_WRITE, index)
        while left:
            ready = selector.select(_LIMIT)
            if not ready:
                sys.exit(f"{left} checks without an end within {_LIMIT:g} s")
            for key, event in ready:
                index = key.data
                assert isinstance(key.fileobj, socket.socket)
                if event & selectors.EVENT_WRITE:
                    records[2 * index] = time.monotonic_ns() - began
                    if kind == "http":
                        key.fileobj.sendall(_request(port))
                    selector.modify(key.fileobj, selectors.EVENT_READ, index)
                elif received := key.fileobj.recv(4096):
                    answers[index] += received
                else:
                    _accept_answer(kind, answers[index])
                    records[2 * index + 1] = time.monotonic_ns() - began
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    left -= 1
    return records


def _command(command: list[str]) -> tuple[int, int, int]:
    began = time.monotonic_ns()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic_ns() - began
    if process.returncode:
        sys.exit(f"{command[0]} failed: exit status {process.returncode}")
    # ru_maxrss would be this process's own, which the child had until its exec.
    return took, round((used.ru_utime + used.ru_stime) * 1e9), 0


if __name__ == "__main__":
    main(sys.argv[1:])
