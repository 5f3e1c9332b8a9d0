from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Recorded = Callable[..., Path]
Ask = Callable[..., dict[str, Any]]

# Scenario, container, cause, check; the columns of the table have these beginnings.
_COLUMNS = ((0, 33), (33, 42), (42, 53), (53, 72))
KINDS = ("events", "logs", "job")


def _table() -> list[tuple[str, ...]]:
    lines = (HERE / "verdicts.txt").read_text(encoding="utf-8").splitlines()
    cells = [[line[first:last].strip() for first, last in _COLUMNS] for line in lines]
    return [tuple(row) for row in cells if not row[0].startswith("#")]


TABLE = _table()
WITHOUT = list(
    chain.from_iterable(combinations(KINDS, count) for count in range(1, len(KINDS) + 1))
)
LESS = [
    pytest.param(*row, without, id="-".join([row[0], "without", *without]))
    for row in TABLE
    for without in WITHOUT
    # Without the Job nothing is left of this one: told in the tests of folders.
    if not (row[0] == "job-onfailure" and "job" in without)
]


def _said(verdict: dict[str, Any]) -> tuple[str, str, str]:
    return verdict["container"] or "-", verdict["cause"], verdict["check"] or "-"


def _not_wrong_and_certain(said: dict[str, Any], container: str, cause: str, check: str) -> None:
    verdicts = said["pods"][0]["verdicts"]
    assert verdicts
    for verdict in verdicts:
        right = _said(verdict) in {(container, cause, check), (container, cause, "-")}
        assert right or verdict["certainty"] != "certain"


def test_every_recording_has_its_verdict() -> None:
    """The table names each recording once."""
    names = sorted(path.stem for path in (HERE / "corpus").iterdir())
    assert [name for name, *_ in TABLE] == names


@pytest.mark.parametrize(("name", "container", "cause", "check"), TABLE)
def test_all_evidence_gives_the_verdict(  # noqa: PLR0913, PLR0917 (a row of the table, and fixtures)
    name: str, container: str, cause: str, check: str, recorded: Recorded, ask: Ask
) -> None:
    """With pod, events and logs there is one verdict, and it is the right one."""
    said = ask("--from", str(recorded(name)))
    (verdict,) = said["pods"][0]["verdicts"]
    assert _said(verdict) == (container, cause, check)
    assert said["status"] == (cause != "none")
    assert verdict["certainty"] in {"certain", "likely"} or name == "exec-hangs-in-child"


@pytest.mark.parametrize(("name", "container", "cause", "check", "without"), LESS)
def test_less_evidence_is_never_wrong_and_certain(  # noqa: PLR0913, PLR0917 (a row of the table, and fixtures)
    name: str,
    container: str,
    cause: str,
    check: str,
    without: tuple[str, ...],
    recorded: Recorded,
    ask: Ask,
) -> None:
    """Without events, logs or Job a verdict that differs is not called certain."""
    _not_wrong_and_certain(ask("--from", str(recorded(name, without))), container, cause, check)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("name", "container", "cause", "check"), TABLE)
def test_what_was_lost_at_random_is_never_wrong_and_certain(  # noqa: PLR0913, PLR0917 (a row of the table, and fixtures)
    name: str, container: str, cause: str, check: str, seed: int, recorded: Recorded, ask: Ask
) -> None:
    """Events and lines of logs may be missing anywhere: then it is less sure, or still right."""
    chance = random.Random(f"{name}{seed}")  # noqa: S311 (nothing secret)
    folder = recorded(name)
    events = folder / "events.json"
    if events.exists():
        kept = [each for each in json.loads(events.read_text())["items"] if chance.random() < 0.5]
        events.write_text(json.dumps({"items": kept}))
    for log in folder.glob("logs-*.txt"):
        log.write_text("\n".join(x for x in log.read_text().split("\n") if chance.random() < 0.5))
    _not_wrong_and_certain(ask("--from", str(folder)), container, cause, check)
