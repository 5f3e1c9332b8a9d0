from __future__ import annotations

from tcp_probe.diagnosis.stack import Frame, Stack

OWN = Frame("/app/worker.py", 7, "handle", "await reply()")
OUTER = Frame("/app/main.py", 3, "main", "await handle()")
PACKAGE = Frame("/opt/venv/lib/python3.13/site-packages/anyio/_core.py", 9, "wait")
STANDARD = Frame("/usr/lib/python3.13/asyncio/locks.py", 213, "wait", "await fut")
START = Frame("<frozen runpy>", 1, "run")


def test_the_place_is_in_ones_own_code() -> None:
    """Else in a package, else in the standard library."""
    assert Stack("", [OUTER, OWN, PACKAGE, STANDARD]).where == "/app/worker.py:7 in handle"
    assert str(Stack("", [PACKAGE, STANDARD]).where).startswith("/opt/venv")
    assert Stack("", [START, STANDARD]).where == str(STANDARD)
    assert Stack("").where is None


def test_a_stack_is_shortened_from_outside() -> None:
    """To one's own innermost frames, and where it all ends."""
    assert Stack("", [START, OUTER, OWN, PACKAGE, STANDARD]).shortened() == [
        "...",
        "/app/main.py:3 in main",
        "  await handle()",
        "/app/worker.py:7 in handle",
        "  await reply()",
        "...",
        "/usr/lib/python3.13/asyncio/locks.py:213 in wait",
        "  await fut",
    ]


def test_a_short_stack_is_shown_as_it_is() -> None:
    """Nothing is left out, and nothing says so."""
    assert Stack("", [OWN]).shortened() == ["/app/worker.py:7 in handle", "  await reply()"]
    assert Stack("", [PACKAGE]).shortened() == [str(PACKAGE)]
    assert Stack("").shortened() == []
