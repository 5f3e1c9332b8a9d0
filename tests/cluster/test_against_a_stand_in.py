from __future__ import annotations

import json
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tcp_probe.manifest.workload import Workload, load

GOLDEN = Path(__file__).parents[1] / "rehearse" / "golden" / "1.36"
# A recording is played so many times as fast; the watch tells the time as fast, too.
SPEED = 5.0
Recording = dict[str, Any]


@pytest.fixture
def recorded() -> Callable[[str], Recording]:
    """Read a recording of a real cluster."""

    def recorded(name: str) -> Recording:
        made: Recording = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
        container = made["pod"]["spec"]["containers"][0]
        container.setdefault("image", "claude-worker:0.1.0")
        return {"recorded_from": "kubelet v1.36.2", **made}

    return recorded


@pytest.fixture
def clustered(kubectl: str, cluster_module: ModuleType, tmp_path: Path) -> Callable[[Any], Any]:
    """Make the cluster that a stand-in serves, as kubectl sees it."""

    def clustered(stand_in: Any) -> Any:
        config = tmp_path / "config"
        named = {"name": "stand-in"}
        config.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{**named, "cluster": {"server": stand_in.address}}],
                    "users": [{**named, "user": {}}],
                    "contexts": [{**named, "context": {"cluster": "stand-in", "user": "stand-in"}}],
                    "current-context": "stand-in",
                }
            ),
            encoding="utf-8",
        )
        command = [kubectl, f"--kubeconfig={config}", f"--cache-dir={tmp_path / 'cache'}"]
        return cluster_module.Cluster(command, "lab", lambda: time.monotonic() * SPEED)

    return clustered


def workload_of(recording: Recording, folder: Path) -> Workload:
    file = folder / "pod.json"
    file.write_text(json.dumps(recording["pod"]), encoding="utf-8")
    return load(str(file))


def kills(count: int) -> Callable[[Any, float], bool]:
    def enough(watch: Any, ran: float) -> bool:
        reasons = [change.item["reason"] for change in watch.events]
        return reasons.count("Killing") >= count

    return enough


def test_a_recording_is_recorded_again(  # noqa: PLR0913, PLR0917 - fixtures
    recorded: Callable[[str], Recording],
    stand_in: ModuleType,
    clustered: Callable[[Any], Any],
    recording: ModuleType,
    comparison: ModuleType,
    tmp_path: Path,
) -> None:
    """Through the real kubectl: the same events in the same order, in the same format.

    And the rehearsal is then found to tell the same story.
    """
    first = recorded("lab-hung-loop")
    with stand_in.served(first, SPEED) as served:
        cluster = clustered(served)
        with cluster.opened():
            versions = cluster.recorded_from()
            watch = cluster.watch_pod(first["pod"], kills(2), 60)
        calls = served.calls
    second = recording.recording(watch, first["pod"], first["worker"], "again", versions)
    assert versions == "kubelet v1.36.2, kube-apiserver v1.36.2, containerd 2.1.4, Linux 6.18"
    # The end of a container and the start of the next one are heard of in either order.
    seen = ("Started", "Unhealthy", "Killing")
    assert [told(event) for event in second["events"] if event["reason"] in seen] == [
        told(event) for event in first["events"] if event["reason"] in seen
    ][: len([event for event in second["events"] if event["reason"] in seen])]
    assert [event["reason"] for event in second["events"]].count("Killing") == 2
    died = [event for event in second["events"] if event["reason"] == "Died"]
    assert {(event["exit_code"], event["reason_of_end"]) for event in died} == {(137, "Error")}
    assert second["api_events"][-1]["message"].startswith(("Container worker", "Liveness"))
    assert {"create Namespace lab", "create Pod lab-hung-loop"} <= set(calls)
    assert calls[-1] == "delete /api/v1/namespaces/lab"
    # On a busy machine the times are not exact when they pass so fast; the order is.
    found = comparison.differences(second, workload_of(second, tmp_path))
    assert [line for line in found if "rehearsed: " in line] == []


def told(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("time", "reason_of_end")}


@pytest.mark.parametrize("name", ["lab-wrong-port", "lab-finished-worker", "lab-hung-loop"])
def test_a_real_recording_has_no_differences(
    name: str,
    recorded: Callable[[str], Recording],
    comparison: ModuleType,
    tmp_path: Path,
) -> None:
    """The comparison finds the rehearsal right where the cluster did what was recorded."""
    made = recorded(name)
    workload = workload_of(made, tmp_path)
    assert comparison.differences(made, workload) == []
    span = comparison.fault_span(workload, made["worker"])
    if name == "lab-wrong-port":
        assert span is None
    else:
        least, most = span
        assert least - 1 <= comparison.first_kill(made) <= most + 1


def test_another_story_is_a_difference(
    recorded: Callable[[str], Recording], comparison: ModuleType, tmp_path: Path
) -> None:
    """In its order, or in its times."""
    made = recorded("lab-hung-loop")
    workload = workload_of(made, tmp_path)
    late = {**made, "events": [{**each, "time": each["time"] * 3} for each in made["events"]]}
    assert comparison.differences(late, workload)
    other = {**made, "worker": "start=0"}
    assert any("rehearsed: nothing" in line for line in comparison.differences(other, workload))


def test_an_image_that_the_cluster_lacks_is_told(
    recorded: Callable[[str], Recording],
    stand_in: ModuleType,
    clustered: Callable[[Any], Any],
    cluster_module: ModuleType,
) -> None:
    """At once, with what to do; and nothing is left behind."""
    made = recorded("lab-hung-loop")
    with stand_in.served(made, SPEED) as served:
        served.stuck = "ErrImageNeverPull"
        cluster = clustered(served)
        with (
            pytest.raises(cluster_module.ClusterError, match=r"ErrImageNeverPull.*TCP_PROBE_IMAGE"),
            cluster.opened(),
        ):
            cluster.watch_pod(made["pod"], kills(1), 60)
        assert served.calls[-2:] == [
            "delete /api/v1/namespaces/lab/pods/lab-hung-loop",
            "delete /api/v1/namespaces/lab",
        ]


def test_a_pod_that_never_starts_is_told(
    recorded: Callable[[str], Recording],
    stand_in: ModuleType,
    clustered: Callable[[Any], Any],
    cluster_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where no node takes it; and nothing is left behind."""
    made = {**recorded("lab-hung-loop"), "events": []}
    monkeypatch.setattr(cluster_module, "STARTS_WITHIN", 5)
    with stand_in.served(made, SPEED) as served:
        with (
            pytest.raises(cluster_module.ClusterError, match="no container has started within 5 s"),
            clustered(served).opened() as cluster,
        ):
            cluster.watch_pod(made["pod"], kills(1), 60)
        assert served.calls[-1] == "delete /api/v1/namespaces/lab"


def test_failures_that_a_worker_got_over_are_no_difference(
    recorded: Callable[[str], Recording], comparison: ModuleType, tmp_path: Path
) -> None:
    """How many there are at a start depends on the node, and on when the probes begin."""
    made = recorded("lab-hung-loop")
    failure = {"time": 0.3, "reason": "Unhealthy", "probe": "liveness", "detail": "refused"}
    events = [made["events"][0], failure, *made["events"][1:]]
    workload = workload_of(made, tmp_path)
    assert comparison.differences({**made, "events": events}, workload) == []


def test_a_cluster_that_is_not_there_is_told(
    kubectl: str, cluster_module: ModuleType, tmp_path: Path
) -> None:
    """In kubectl's own words."""
    command = [kubectl, "--server=http://127.0.0.1:1", f"--cache-dir={tmp_path}"]
    cluster = cluster_module.Cluster(command, "lab")
    with pytest.raises(cluster_module.ClusterError, match="refused"), cluster.opened():
        pass  # pragma: no cover - it is not opened


def test_the_real_kubectl_is_used(kubectl: str) -> None:
    """The user's own, or the one that the test requirements install."""
    assert kubectl.startswith(("/", sysconfig.get_path("scripts")))
