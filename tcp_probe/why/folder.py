"""Evidence from a folder, or from the standard input."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcp_probe._bad_input import BadInput
from tcp_probe.diagnosis.plain import plain

from .clean import cleaned
from .events import events_of
from .json_fields import entries, text
from .reading import WHY, Reading, evidence_of, newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of a log the end tells; it may be of any length.
LOG_TAIL = 1 << 20
_PREVIOUS = "-previous"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_folder(folder: str, pod: str | None = None, container: str | None = None) -> Reading:
    """Read a folder: `pod.json` or `pods.json`, `events.json`, `job.json`, `logs-CONTAINER.txt`.

    Raises `BadInput` where there is no such folder, or nothing of a pod or Job in it.
    """
    path = Path(folder)
    try:
        names = sorted(each.name for each in path.iterdir())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"{folder}: expected a readable folder, but: {reason}") from None
    reading = Reading(command=lambda each: f"{WHY} --from {shlex.quote(folder)} {each.name}")
    sources = [name for name in names if name.startswith("pod") and name.endswith(".json")]
    parsed = {name: _parsed(path / name) for name in sources}
    files = {name: _pods(document, name) for name, document in parsed.items()}
    for name, document in parsed.items():
        reading.missing += _cut_off(document, name)
    if "job.json" in names:
        reading.job = _parsed(path / "job.json")
    if not sources and not reading.job:
        raise BadInput(f"{folder}: expected a pod.json, pods.json or job.json, found none of them")
    _read_events(reading, path, names)
    logs = _read_logs(reading, path, names)
    documents = [each for name in sources for each in files[name]]
    _fill(reading, documents, logs, pod, container)
    source = str(path / sources[0]) if len(sources) == 1 else ""
    reading.pods = [replace(each, source=source) for each in reading.pods]
    return reading


def read_stdin(container: str | None = None) -> Reading:
    """Read a pod, or a List of them, from the standard input."""
    documents = list(_pods(_json(_stdin(), "<stdin>"), "<stdin>"))
    reading = Reading(missing=["events: only a pod was given", "logs: only a pod was given"])
    reading.command = lambda each: f"{WHY} {each.name} -n {each.namespace}"
    _fill(reading, documents, {}, None, container)
    return reading


def _stdin() -> bytes:
    if sys.stdin is None:
        raise BadInput("<stdin>: expected a readable file, but: is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"<stdin>: expected a readable file, but: {reason}") from None


def _fill(
    reading: Reading,
    documents: Sequence[Any],
    logs: Mapping[tuple[str, bool], str],
    pod: str | None,
    container: str | None,
) -> None:
    now = newest(documents, reading.events or ())
    wanted = pod and pod.removeprefix("pod/")
    found = [each for each in documents if wanted in (None, text(each, "metadata", "name"))]
    if wanted and not found:
        names = ", ".join(text(each, "metadata", "name") for each in documents[:5]) or "none"
        raise BadInput(f"expected a pod {wanted!r}, found {names}")
    if not found and not reading.job:
        raise BadInput("expected a pod, found an empty list")
    if container:
        known = {text(each, "name") for one in found for each in _containers(one)}
        if container not in known:
            names = ", ".join(sorted(known)) or "none"
            raise BadInput(f"expected a container {container!r}, found {names}")
    # The names of logs tell the container only: of many pods nobody knows which one wrote them.
    own = logs if len(documents) == 1 else {}
    reading.pods = evidence_of(found, reading.events, own, now, container)


def _containers(pod: Any) -> list[dict[str, Any]]:
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [each for kind in kinds for each in entries(pod, "spec", kind)]


def _pods(document: Any, name: str) -> list[Any]:
    kind = text(document, "kind")
    if kind.endswith("List") or (not kind and entries(document, "items")):
        pods = entries(document, "items")
    elif kind in {"Pod", ""} and isinstance(document, dict):
        pods = [document]
    else:
        given = f"a {kind}" if kind else type(document).__name__
        raise BadInput(f"{name}: expected a Pod or a List of them, got {given}")
    for pod in pods:
        if not pod.get("status"):
            called = text(pod, "metadata", "name") or "without a name"
            raise BadInput(
                f"{name}: expected the status of pod {called}, found none: a manifest has none, "
                "`kubectl get pod NAME -o json` gives it"
            )
    return pods


def _read_events(reading: Reading, path: Path, names: Sequence[str]) -> None:
    if "events.json" not in names:
        reading.missing.append("events: there is no events.json")
        return
    try:
        document = _parsed(path / "events.json")
        reading.events = events_of(document)
        reading.missing += _cut_off(document, "events.json")
    except BadInput as problem:
        reading.missing.append(f"events: {problem}")


def _cut_off(document: Any, name: str) -> list[str]:
    """Say that a list goes on where it was cut: the API server gives long ones in parts."""
    return [f"{name}: the list is cut off"] * bool(text(document, "metadata", "continue"))


def _read_logs(reading: Reading, path: Path, names: Sequence[str]) -> dict[tuple[str, bool], str]:
    logs = {}
    for name in names:
        if not (name.startswith("logs-") and name.endswith(".txt")):
            continue
        container = name[len("logs-") : -len(".txt")]
        previous = container.endswith(_PREVIOUS)
        try:
            logs[container.removesuffix(_PREVIOUS), previous] = _tail(path / name)
        except OSError as error:
            reading.missing.append(f"logs: {name}: {(error.strerror or str(error)).lower()}")
    if not logs:
        reading.missing.append("logs: there is no logs-CONTAINER.txt")
    return logs


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(max(length - LOG_TAIL, 0))
        return decoded_log(file.read(LOG_TAIL))


def decoded_log(data: bytes) -> str:
    """Read a log, whatever is in it, as text that a terminal may be shown."""
    return "\n".join(plain(line) for line in data.decode("utf-8", "replace").split("\n"))


def _parsed(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"{path}: expected a readable file, but: {reason}") from None
    return _json(data, str(path))


def _json(data: bytes, name: str) -> Any:
    encoding = "utf-16" if data[:2] in _UTF16 else "utf-8-sig"
    try:
        return cleaned(json.loads(data.decode(encoding, "replace")))
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{name}:{error.lineno}: expected JSON, as `kubectl get -o json` gives it, but: "
            f"{error.msg}"
        ) from None
    except (ValueError, RecursionError):
        raise BadInput(f"{name}: expected JSON, but it is nested too deeply, or no JSON") from None
