from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tcp_probe.manifest.workload import load

pytestmark = pytest.mark.cluster
# What each Pod of the lab does, as a script.
WORKERS = {
    "wrong-port": "port=9090,term=0:143",
    "slow-start-killed": "start=8,term=0:143",
    "slow-start-saved": "start=8,term=0:143",
    "hung-loop": "close=6.5,term=99",
    "silent-worker": "close=6,term=0:143",
    "finished-worker": "close=3,term=0:143",
    "fds-exhausted": "hang=3,term=0:143",
}
# Two kills tell that the first was no accident; the third one costs a back-off.
KILLS = 2
QUIET = 20.0
LIMIT = 120.0


@pytest.mark.parametrize("name", WORKERS)
def test_the_cluster_does_what_the_rehearsal_and_explain_say(  # noqa: PLR0913, PLR0917 - fixtures
    name: str,
    cluster: Any,
    lab_pod: Callable[[str], dict[str, Any]],
    recordings: Path,
    comparison: ModuleType,
    recording: ModuleType,
    tmp_path: Path,
) -> None:
    """The same order, each kill within one period, the first within explain's figures.

    What was seen is written as a recording first, so that it can be looked at if they differ.
    """
    pod = lab_pod(name)

    def enough(watch: Any, ran: float) -> bool:
        # A message that comes again is the same event, told with a higher count.
        kills = sum(change.item["reason"] == "Killing" for change in watch.events)
        return kills >= KILLS or (ran > QUIET and not kills and name.endswith("saved"))

    watch = cluster.watch_pod(pod, enough, LIMIT)
    about = f"manifests/lab/{name}.yaml"
    made = recording.recording(watch, pod, WORKERS[name], about, cluster.recorded_from(watch.node))
    (recordings / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(made["pod"]), encoding="utf-8")
    workload = load(str(file))
    assert comparison.differences(made, workload) == []
    span = comparison.fault_span(workload, WORKERS[name])
    if span:
        least, most = span
        kill = comparison.first_kill(made)
        slack = comparison.TOLD_WITHIN
        assert least - slack <= kill <= most + slack + comparison.BOOTS_WITHIN
