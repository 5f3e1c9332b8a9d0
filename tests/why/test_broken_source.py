"""A worker that cannot be started because Python cannot read its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

LOG = """\
Traceback (most recent call last):
  File "/app/main.py", line 1, in <module>
    import jobs
  File "/app/jobs.py", line 5
    def work(
            ^
SyntaxError: '(' was never closed
"""


def test_a_mistake_of_syntax_is_told_with_its_place(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """Python names no function there."""
    crashing = {"waiting": {"reason": "CrashLoopBackOff"}}
    (verdict,) = verdicts(pod(crashing, ended(1), restarts=3), None, LOG)
    assert verdict.summary.endswith("SyntaxError: '(' was never closed")
    assert verdict.where == "/app/jobs.py:5"
    assert verdict.stack == (
        "/app/main.py:1 in <module>",
        "  import jobs",
        "/app/jobs.py:5",
        "  def work(",
    )
