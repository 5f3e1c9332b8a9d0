from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
TCP = {"tcpSocket": {"port": 9090}, "periodSeconds": 10, "failureThreshold": 3}
LIVENESS = {"livenessProbe": TCP}


@pytest.mark.parametrize(
    ("code", "restarts", "state", "last", "spec", "certainty"),
    [
        (143, 1, CRASHING, (0, 60), {}, "likely"),
        (137, 1, CRASHING, (0, 60), {}, "possible"),
        (0, 1, CRASHING, (0, 60), {}, "possible"),
        (0, 3, {"running": {"startedAt": "2026-11-24T08:01:00Z"}}, (0, 60), {}, "likely"),
        (0, 3, {"running": {"startedAt": "2026-11-24T08:02:00Z"}}, (0, 60), {}, "possible"),
        (0, 3, CRASHING, (0, 60), {"restartPolicy": "OnFailure"}, "likely"),
    ],
)
def test_what_remains_is_the_probe(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    code: int,
    restarts: int,
    state: dict[str, Any],
    last: tuple[int, int],
    spec: dict[str, Any],
    certainty: str,
    pod: Pod,
    ended: Make,
    verdicts: Verdicts,
) -> None:
    """From the pod alone: by exit code, by how soon it restarted, by restartPolicy."""
    end = ended(code, start=last[0], end=last[1])
    made = pod(state, end, restarts=restarts, container=LIVENESS, spec=spec)
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.certainty) == ("liveness", certainty)
    assert verdict.summary.startswith("perhaps") is (certainty == "possible")


@pytest.mark.parametrize(
    ("restarts", "delay", "certainty"),
    [(3, "20s", "likely"), (9, "2m8s", "likely"), (9, "5m0s", "possible"), (3, "7s", "possible")],
)
def test_a_back_off_tells_of_kills(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    restarts: int, delay: str, certainty: str, pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """Restarts that came at once are missing from it; at its limit it tells nothing."""
    waiting = {**CRASHING["waiting"], "message": f"back-off {delay} restarting failed container"}
    made = pod({"waiting": waiting}, ended(137, start=0), restarts=restarts, container=LIVENESS)
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.check, verdict.certainty) == ("liveness", None, certainty)


STARTUP = {"startupProbe": {**TCP, "failureThreshold": 4}}


@pytest.mark.parametrize(
    ("container", "ready_changed", "kind"),
    [
        (STARTUP, "2026-11-24T08:01:00Z", "startup"),
        ({**STARTUP, **LIVENESS}, "2026-11-24T08:00:00Z", "startup"),
        ({**STARTUP, **LIVENESS}, "2026-11-24T08:01:00Z", "liveness"),
    ],
)
def test_which_probe_remains_is_told_by_whether_it_was_ever_ready(  # noqa: PLR0913, PLR0917
    container: dict[str, Any],
    ready_changed: str,
    kind: str,
    pod: Pod,
    ended: Make,
    said: Said,
) -> None:
    """A container is not ready before its startup probe has passed."""
    made = pod(CRASHING, ended(143, start=0), restarts=3, container=container)
    made["status"]["conditions"][1]["lastTransitionTime"] = ready_changed
    assert said(made)[0] == kind
