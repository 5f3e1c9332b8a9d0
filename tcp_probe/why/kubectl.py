"""Calls of kubectl, each with a timeout; what it answers in an error, put for a reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tcp_probe._bad_input import BadInput
from tcp_probe.diagnosis.plain import plain

from .clean import cleaned
from .folder import decoded_log

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long (s) the API server may take for one request, and kubectl for all of a call: it asks for
# long lists in parts.
REQUEST_TIMEOUT = 10
CALL_TIMEOUT = 60
# The end of a log that is asked for: lines, and bytes at most.
LOG_LINES = 2000
LOG_BYTES = 1 << 20
_AT_ONCE = 4
_RIGHTS = re.compile(r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"')
_TIMED_OUT = ("Client.Timeout", "deadline exceeded", "i/o timeout", "timed out", "TLS handshake")
_UNREACHABLE = ("connection refused", "no such host", "was refused", "Unable to connect")


class KubectlError(Exception):
    """A call that failed: `kind` says how, the text tells a reader."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind = kind


@dataclass
class Kubectl:
    """kubectl with the user's own configuration, context and rights; it only reads.

    `calls` counts them.
    """

    context: str | None = None
    namespace: str | None = None
    program: str = "kubectl"
    calls: int = field(default=0)

    def get(self, *arguments: str) -> Any:
        """Return what `kubectl get` answers, as JSON. Raises `KubectlError`."""
        said = self._run("get", *arguments, "-o", "json", f"--request-timeout={REQUEST_TIMEOUT}s")
        try:
            return cleaned(json.loads(said.decode("utf-8", "replace")))
        except (ValueError, RecursionError):
            raise KubectlError("junk", "kubectl answered something that is not JSON") from None

    def log(self, pod: str, namespace: str, container: str, *, previous: bool) -> str:
        """Return the end of a log. Raises `KubectlError`."""
        more = ["--previous"] if previous else []
        said = self._run(
            "logs",
            pod,
            f"--namespace={namespace}",
            f"--container={container}",
            f"--tail={LOG_LINES}",
            f"--limit-bytes={LOG_BYTES}",
            f"--request-timeout={REQUEST_TIMEOUT}s",
            *more,
        )
        return decoded_log(said)

    def _run(self, verb: str, *arguments: str) -> bytes:
        chosen = [f"--context={self.context}"] if self.context else []
        if self.namespace and not any(
            each.startswith(("--namespace", "--all-namespaces")) for each in arguments
        ):
            chosen.append(f"--namespace={self.namespace}")
        self.calls += 1
        try:
            done = subprocess.run(  # noqa: S603 (the user's own kubectl, without a shell)
                [self.program, verb, *arguments, *chosen],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CALL_TIMEOUT,
                check=False,
            )
        except FileNotFoundError:
            raise BadInput(
                "expected kubectl on the PATH, found none: install it, or read a folder with --from"
            ) from None
        except OSError as error:
            raise BadInput(f"kubectl cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise KubectlError("timeout", f"no answer within {CALL_TIMEOUT} s") from None
        if done.returncode:
            raise _error(plain(done.stderr.decode("utf-8", "replace")).strip())
        return done.stdout


def _error(said: str) -> KubectlError:
    last = said.splitlines()[-1] if said else "kubectl failed, and said nothing"
    last = last.removeprefix("error: ")
    if "(Forbidden)" in said:
        right = _RIGHTS.search(said)
        lacks = f": you may not {right['verb']} {right['resource']}" if right else ""
        return KubectlError("forbidden", f"forbidden{lacks}")
    if "(NotFound)" in said:
        return KubectlError("not found", last.partition("(NotFound): ")[2])
    if any(sign in said for sign in _TIMED_OUT):
        return KubectlError("timeout", f"the API server did not answer within {REQUEST_TIMEOUT} s")
    if any(sign in said for sign in _UNREACHABLE):
        return KubectlError("unreachable", f"the API server cannot be reached: {last}")
    return KubectlError("other", last)


def at_once(calls: Sequence[Any]) -> list[Any]:
    """Make some calls side by side; return what each gave, an error where it raised one."""

    def made(call: Any) -> Any:
        try:
            return call()
        except KubectlError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(made, calls))


class Progress:
    """One line on a terminal that says what is being read; nothing where it is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def tell(self, what: str) -> None:
        """Say what is being read now."""
        if self._shown:
            sys.stderr.write(f"\r\x1b[Kreading {what} ...")
            sys.stderr.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
