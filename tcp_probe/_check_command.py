from __future__ import annotations

import os
from socket import gaierror

from ._arguments import seconds, whole_number
from ._check import check as check_port
from ._tell import tell

_USAGE = "usage: tcp-probe check [HOST:]PORT [--timeout S]"
_HELP = f"""\
{_USAGE}

Make one check as kubelet's tcpSocket probe does: connect,
and close. HOST is 127.0.0.1 where it is not given, S is 1
second.

exit status:
  0   the check passed
        tcp-probe check 9090
  1   refused, timed out or unknown
        tcp-probe check 10.0.0.4:9090 --timeout 2
  2   the arguments are wrong
        tcp-probe check http://localhost
  74  the output cannot be written
        tcp-probe check 9090 > /dev/full
"""


def check(arguments: list[str]) -> int:
    """Make one check and print one line: 0 it passed, 1 it failed, 2 the arguments are wrong.

    What a failed check prints is what kubelet writes after `Liveness probe failed: `, for a
    tcpSocket probe of its own and, from this output, for an exec probe.
    """
    if "-h" in arguments or "--help" in arguments:
        print(_HELP, end="")
        return 0
    try:
        host, port, timeout = _parse(arguments)
        took = check_port(port, host, timeout)
    except (TypeError, ValueError) as error:
        tell(f"tcp_probe: {error}\n{_USAGE}")
        return 2
    except OSError as error:
        print(_in_the_words_of_kubelet(error, host, port))
        return 1
    print(f"dial tcp {_joined(host, port)}: connected in {took * 1000:.3f} ms")
    return 0


def _parse(arguments: list[str]) -> tuple[str, int, float]:
    addresses = []
    timeout = 1.0
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--timeout":
            timeout = _timeout(value if equals else next(rest, ""))
        elif argument.startswith("-"):
            raise ValueError(f"expected [HOST:]PORT or --timeout, got {argument!r}")
        else:
            addresses.append(argument)
    if len(addresses) != 1:
        given = " ".join(addresses) or "none"
        raise ValueError(f"expected one [HOST:]PORT, as in localhost:9090, got {given}")
    if "://" in addresses[0]:
        raise ValueError(f"give HOST:PORT, not a URL: got {addresses[0]!r}")
    host, _, port = addresses[0].rpartition(":")
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    elif ":" in host:
        message = "expected brackets around an IPv6 address and a port, as in [::1]:9090, got "
        raise ValueError(message + addresses[0])
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f"expected a port from 1 to 65535, got {port!r}")
    return host or "127.0.0.1", whole_number("port", int(port), 1, 65535), timeout


def _timeout(text: str) -> float:
    try:
        return seconds("--timeout", float(text))
    except ValueError:
        raise ValueError(
            f"--timeout: expected a number of seconds above 0, at most 1e9, got {text!r}"
        ) from None


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _in_the_words_of_kubelet(error: OSError, host: str, port: int) -> str:
    if isinstance(error, gaierror):
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(error, TimeoutError):
        return f"dial tcp {_joined(host, port)}: i/o timeout"
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"dial tcp {_joined(host, port)}: connect: {reason}"
