from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize("of", ["Pod", "Job", "CronJob"])
def test_a_deadline_is_named_as_passed_over(
    of: str, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """The cluster ends the pod then, be it the pod's own or its Job's; a simulation does not."""
    worker = pod({"activeDeadlineSeconds": 10} if of == "Pod" else {"restartPolicy": "Never"})
    job = {"activeDeadlineSeconds": 10, "template": {"spec": worker["spec"]}}
    spec = {"Pod": worker["spec"], "Job": job}
    spec["CronJob"] = {"schedule": "@daily", "jobTemplate": {"spec": job}}
    version = "v1" if of == "Pod" else "batch/v1"
    file = manifest({**worker, "apiVersion": version, "kind": of, "spec": spec[of]})
    assert rehearse([file, "--virtual", "--worker", "start=0", "--for", "60"]) == 0
    assert "not heeded here: activeDeadlineSeconds, after" in capsys.readouterr().err


def test_what_is_passed_over_is_named(
    manifest: Manifest, pod: Pod, capsys: Output, free_port: int
) -> None:
    """Other containers, other pods, and what a process of this machine does not heed."""
    one = pod(
        {"initContainers": [{"name": "first", "image": "x"}], "hostAliases": []},
        resources={"limits": {"memory": "1Mi"}},
        livenessProbe={"tcpSocket": {"port": free_port}},
    )
    one["spec"]["containers"].append({"name": "beside", "image": "x"})
    one["spec"]["hostAliases"] = [{"ip": "192.0.2.1"}]
    one["spec"]["activeDeadlineSeconds"] = 60
    other = pod()
    other["metadata"]["name"] = "other"
    file = manifest(one, other)
    rehearse([file, "--for", "0", "--", "true"])
    assert capsys.readouterr().err.splitlines() == [
        (
            "tcp_probe: not rehearsed: init container first, container beside "
            "(--all-containers runs the whole pod)"
        ),
        "tcp_probe: not rehearsed: Pod other, container worker (--container NAME chooses)",
        (
            "tcp_probe: not heeded here: the image, resources, hostAliases, activeDeadlineSeconds; "
            "the environment of this shell is passed on"
        ),
    ]


def test_a_probe_of_another_host_is_named(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """What answers there is not in the file."""
    probe = {"tcpSocket": {"port": 9090, "host": "10.1.2.3"}}
    assert rehearse([manifest(pod(livenessProbe=probe)), "--virtual", "--worker", "start=0"]) == 0
    told = "the liveness probe asks 10.1.2.3, not the pod: simulated as if the worker answered"
    assert told in " ".join(capsys.readouterr().err.split())
