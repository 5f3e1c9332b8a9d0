from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Of the listener that the recordings were made with; that of today's is shorter.
BACKLOG = 5
EXIT_CODES = range(256)
HTTP_STATUSES = range(200, 600)
# What a server may do with a page instead of answering with a status, ...
HTTP_WORDS = ("close", "stall")
# ... and what a gRPC server may answer.
GRPC_WORDS = ("SERVING", "NOT_SERVING", "UNKNOWN", "NOT_FOUND", "UNIMPLEMENTED", "silent")
# The words of a script, as `--help` explains them.
WORDS = """\
WORD=VALUE,...
T and S are seconds, T from each start of the worker.
  start=T          listens from T on (0); may come again,
                   after close
  close=T          refuses from T on (never); may come
                   again, after start
  hang=T           stands still from T on (never): its queue
                   still takes checks, and SIGTERM is not
                   heard
  backlog=N        the queue takes N + 1 checks (5), of all
                   probes together
  exit=T[:CODE]    ends by itself at T (never), with CODE
                   (0)
  term=S[:CODE]    takes S to end on SIGTERM (0), with CODE
                   (0); without it a worker that shares its
                   processes ends at once with 143
  port=N           listens on N alone (on the ports that the
                   container declares, else on all)
  http=[T:]ANSWER  answers a page with this status from T on
                   (200), closes the connection (close), or
                   begins to answer and stops (stall)
  grpc=[T:]ANSWER  answers a gRPC check so from T on
                   (SERVING): NOT_SERVING, UNKNOWN,
                   NOT_FOUND, UNIMPLEMENTED, or not at all
                   (silent)
  exec=[T:]CODE    how an exec probe's command ends from T
                   on; without it a command that only
                   sleeps, prints, exits or checks a port is
                   followed, and any other passes while the
                   worker listens
  post_start=S[:CODE], pre_stop=S[:CODE]
                   how long the command of a hook takes, and
                   how it ends (0)
http, grpc and exec may come again, for other times."""


@dataclass(frozen=True)
class WorkerScript:
    """What a worker does, in seconds from each of its starts.

    It listens from `start` on and refuses from `close` on, or the other way round where `close`
    comes first; `more` holds further times at which it begins to listen (True) or to refuse. From
    `hang` on it stands still: the queue still takes `backlog` + 1 checks, and SIGTERM is not heard.
    It exits with `exit_code` at `exit`, and `term` seconds after a SIGTERM with `term_code`;
    without `term` it has no handler for SIGTERM where it is not PID 1, and as PID 1 one that ends
    it at once. It listens on `port` alone if that is given. `http`, `grpc` and `exec` hold what it
    answers from when on, `post_start` and `pre_stop` how long a hook takes and how it ends.
    """

    start: float = 0
    close: float = inf
    hang: float = inf
    backlog: int = BACKLOG
    exit: float = inf
    exit_code: int = 0
    term: float | None = None
    term_code: int = 0
    port: int | None = None
    more: tuple[tuple[float, bool], ...] = ()
    http: tuple[tuple[float, str], ...] = ()
    grpc: tuple[tuple[float, str], ...] = ()
    exec: tuple[tuple[float, str], ...] = ()
    post_start: tuple[float, int] | None = None
    pre_stop: tuple[float, int] | None = None

    def listens(self, age: float) -> bool:
        """Say whether it listens at that age, unless it stands still by then."""
        changes = sorted(
            ((self.start, True), (self.close, False), *self.more), key=lambda change: change[0]
        )
        listening = not changes[0][1]
        for time, up in changes:
            # Who stands still does not begin to listen; a thread may still close the port.
            if time <= (min(age, self.hang) if up else age):
                listening = up
        return listening


def parse(text: str) -> WorkerScript:
    """Read a script such as `start=12,close=20,exit=30:1`.

    Raises `ValueError` with what was expected.
    """
    values: dict[str, Any] = {}
    for item in text.split(","):
        name, equals, value = item.partition("=")
        if not equals or name not in READERS:
            known = ", ".join(READERS)
            raise ValueError(f"expected {known} with a value, as in start=12, got {item!r}")
        READERS[name](values, name, value)
    return WorkerScript(**values)


def _once(read: Callable[[str, str], Any]) -> Callable[[dict[str, Any], str, str], None]:
    def reader(values: dict[str, Any], name: str, text: str) -> None:
        if name in values:
            raise ValueError(f"expected {name} once, got it twice")
        values[name] = read(name, text)

    return reader


def _time_and_code(values: dict[str, Any], name: str, text: str) -> None:
    seconds, colon, code = text.partition(":")
    _once(_seconds)(values, name, seconds)
    values[f"{name}_code"] = _whole("exit code", code, EXIT_CODES) if colon else 0


def _listening(values: dict[str, Any], name: str, text: str) -> None:
    time = _seconds(name, text)
    if name in values:
        values["more"] = (*values.get("more", ()), (time, name == "start"))
    else:
        values[name] = time


def _answers(expect: Callable[[str, str], str]) -> Callable[[dict[str, Any], str, str], None]:
    def reader(values: dict[str, Any], name: str, text: str) -> None:
        time, colon, answer = text.rpartition(":")
        since = _seconds(name, time) if colon else 0.0
        values[name] = (*values.get(name, ()), (since, expect(name, answer)))

    return reader


def _http_answer(name: str, text: str) -> str:
    if text in HTTP_WORDS:
        return text
    expected = f"{name} {' or '.join(HTTP_WORDS)} or a status"
    return str(_whole(expected, text, HTTP_STATUSES))


def _grpc_answer(name: str, text: str) -> str:
    if text not in GRPC_WORDS:
        raise ValueError(f"expected {name} {', '.join(GRPC_WORDS)}, got {text!r}")
    return text


def _exec_answer(_name: str, text: str) -> str:
    return str(_whole("exit code", text, EXIT_CODES))


def _hook(name: str, text: str) -> tuple[float, int]:
    seconds, colon, code = text.partition(":")
    return _seconds(name, seconds), _whole("exit code", code, EXIT_CODES) if colon else 0


def _port(name: str, text: str) -> int:
    return _whole(name, text, range(1, 65536))


def _backlog(name: str, text: str) -> int:
    return _whole(name, text, range(65536))


def _whole(name: str, text: str, among: range) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) not in among:
        raise ValueError(f"expected {name} from {among[0]} to {among[-1]}, got {text!r}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not seconds >= 0:
        raise ValueError(f"expected {name} in seconds of at least 0, got {text!r}")
    return seconds


READERS: dict[str, Callable[[dict[str, Any], str, str], None]] = {
    "start": _listening,
    "close": _listening,
    "hang": _once(_seconds),
    "backlog": _once(_backlog),
    "exit": _time_and_code,
    "term": _time_and_code,
    "port": _once(_port),
    "http": _answers(_http_answer),
    "grpc": _answers(_grpc_answer),
    "exec": _answers(_exec_answer),
    "post_start": _once(_hook),
    "pre_stop": _once(_hook),
}
