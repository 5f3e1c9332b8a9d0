from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcp_probe.explain.command import explain
from tcp_probe.explain.explainer import explain as explained
from tcp_probe.explain.settings import Settings
from tcp_probe.manifest.schema import NEWEST
from tcp_probe.manifest.workload import load
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import WorkerScript

Manifest = Callable[..., str]
Strategy = st.SearchStrategy[Any]
Path = tuple[str | int, ...]
# A start that is slow, but no slower than explain asks probes to allow.
SLOW_START = 29
REHEARSED = 1800
anything = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def some(**fields: Strategy) -> Strategy:
    """Make a mapping that has some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


numbers = st.sampled_from([-1, 0, 1, 2, 3, 5, 10, 30, 60, 600])
port = st.sampled_from([9090, 9091, 8080, "live", "dead", "9090", 0, 70000])
hook = st.one_of(
    some(exec=st.sampled_from([{"command": ["drain"]}, {"command": []}])),
    some(tcpSocket=some(port=port)),
    some(sleep=some(seconds=numbers)),
)
good = st.builds(
    lambda period, threshold: {
        "tcpSocket": {"port": "live"},
        "timeoutSeconds": 2,
        "periodSeconds": period,
        "failureThreshold": threshold,
    },
    st.sampled_from([2, 5, 10]),
    st.sampled_from([1, 3, 4, 16, 30]),
)
probe = st.one_of(
    good,
    good,
    good,
    some(
        tcpSocket=st.fixed_dictionaries({"port": port}, optional={"host": st.just("127.0.0.1")}),
        periodSeconds=numbers,
        timeoutSeconds=numbers,
        initialDelaySeconds=numbers,
        failureThreshold=numbers,
        successThreshold=numbers,
        terminationGracePeriodSeconds=numbers,
    ),
    some(
        httpGet=some(port=port, path=st.sampled_from(["/", "/ready"])),
        grpc=some(port=st.sampled_from([9090, 0])),
        exec=st.sampled_from([{"command": ["check"]}, {"command": ["sh", "-c", "exit 1"]}]),
        periodSeconds=numbers,
        failureThreshold=numbers,
    ),
)
ports = st.sampled_from(
    [
        [{"containerPort": 9090, "name": "live"}],
        [{"containerPort": 9090, "name": "live"}, {"containerPort": 9091}],
        [{"containerPort": 9090, "name": "live", "protocol": "UDP"}],
        [{"containerPort": 9090}],
        [{"containerPort": 9090, "name": "Live"}],
        [],
    ]
)
container = st.fixed_dictionaries(
    {"name": st.sampled_from(["worker", "worker", "Worker"]), "image": st.just("worker")},
    optional={
        "ports": ports,
        "startupProbe": probe,
        "livenessProbe": probe,
        "readinessProbe": probe,
        "lifecycle": some(preStop=hook, postStart=hook),
        "command": st.sampled_from([["work"], ["sleep", "5"], ["sh", "-c", "work; tidy"]]),
        "restartPolicy": st.sampled_from(["Always", "Never"]),
        "resources": some(limits=st.sampled_from([{"memory": "1Gi"}, {"memory": "1g"}])),
    },
)
spec = st.fixed_dictionaries(
    {"containers": st.lists(container, min_size=1, max_size=2)},
    optional={
        "terminationGracePeriodSeconds": numbers,
        "restartPolicy": st.sampled_from(["Always", "OnFailure", "always"]),
        "hostNetwork": st.booleans(),
        "activeDeadlineSeconds": numbers,
    },
)
pods = st.builds(
    lambda made: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "worker"},
        "spec": made,
    },
    spec,
)


def kills_and_backs_off(file: str, container: str, seed: int) -> list[str]:
    """Rehearse a worker that starts slowly and is well, and tell what kubelet does to it."""
    simulation = Simulation.of(load(file, container), WorkerScript(start=SLOW_START), seed=seed)
    events = list(simulation.run(REHEARSED))
    told = [each.reason for each in events if each.reason in ("Killing", "BackOff", "Exited")]
    if "Ready" not in [event.reason for event in events]:
        told.append("never ready")
    return told


@settings(anything, max_examples=200)
@given(document=pods, seed=st.integers(0, 99))
def test_where_nothing_is_found_the_api_server_takes_it_and_kubelet_kills_nobody(
    document: dict[str, Any], seed: int, manifest: Manifest
) -> None:
    """Whatever is put together: green is green, for a worker that is well but slow to start."""
    file = manifest(document)
    explanation = explained(file, None, Settings())
    if any(finding.level != "info" for finding in explanation.findings):
        return
    kubernetes_validate.validate(document, f"1.{NEWEST}", strict=True)
    for each in explanation.containers:
        assert kills_and_backs_off(file, each.choice.container_name, seed) == []


def green() -> dict[str, Any]:
    live = {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2}
    worker = {
        "name": "worker",
        "image": "worker",
        "ports": [{"containerPort": 9090, "name": "live"}],
        "startupProbe": {**live, "periodSeconds": 2, "failureThreshold": 30},
        "livenessProbe": live,
        "readinessProbe": {**live, "failureThreshold": 1},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "worker"},
        "spec": {"containers": [worker]},
    }


def test_what_is_green_is_called_so(manifest: Manifest) -> None:
    """The tests above and below would otherwise hold for a tool that finds fault with all."""
    file = manifest(green())
    assert explained(file, None, Settings()).findings == []
    assert kills_and_backs_off(file, "worker", 1) == []


RED: list[tuple[Path, Any]] = [
    (("spec", "containers", 0, "livenessProbe", "tcpSocket", "port"), "dead"),
    (("spec", "containers", 0, "readinessProbe", "tcpSocket", "port"), "9090"),
    (("spec", "containers", 0, "livenessProbe", "tcpSocket", "port"), 9999),
    (("spec", "containers", 0, "livenessProbe", "periodSecond"), 10),
    (("spec", "containers", 0, "livenessProbe", "successThreshold"), 2),
    (("spec", "containers", 0, "livenessProbe", "tcpSocket", "host"), "localhost"),
    (("spec", "containers", 0, "readinessProbe", "terminationGracePeriodSeconds"), 5),
    (("spec", "containers", 0, "startupProbe", "failureThreshold"), 1),
    (("spec", "containers", 0, "startupProbe", "exec"), {"command": ["check"]}),
    (("spec", "containers", 0, "lifecycle"), {"postStart": {"tcpSocket": {"port": 9090}}}),
    (("spec", "containers", 0, "lifecycle"), {"preStop": {"sleep": {"seconds": 60}}}),
    (("spec", "containers", 0, "image"), ""),
    (("spec", "containers", 0, "name"), "My Worker"),
    (("spec", "containers", 0, "env"), [{"name": "A", "value": 1}]),
    (("spec", "containers", 0, "env"), [{"name": "A", "value": True}]),
    (("spec", "containers", 0, "volumeMounts"), [{"name": "a", "mountPath": "/a"}]),
    (("spec", "containers", 0, "resources"), {"limits": {"memory": "512m"}}),
    (("spec", "containers", 0, "securityContext"), {"runAsNonRoot": "yes"}),
    (("spec", "containers", 0, "command"), ["false"]),
    (("spec", "restartPolicy"), "Never"),
    (("spec", "activeDeadlineSeconds"), 60),
    (("spec", "initContainers"), [{"name": "a", "image": "a", "livenessProbe": {}}]),
    (("spec", "initContainers"), [{"name": "worker", "image": "a"}]),
    (("spec", "volumes"), [{"name": "a", "emptyDir": {"sizeLimit": "much"}}]),
    (("metadata", "labels"), {"version": 1.5}),
    (("metadata", "annotations"), {"prometheus.io/port": 9090}),
    (("metadata", "annotations"), {"linkerd.io/inject": "enabled"}),
    (("apiVersion",), "v2"),
    (("metadata", "name"), None),
]


@pytest.mark.parametrize(("path", "value"), RED, ids=lambda each: str(each)[-40:])
def test_one_change_to_red_is_found(path: Path, value: Any, manifest: Manifest) -> None:
    """Each would be refused, kill the worker, or leave it unwatched."""
    document: Any = green()
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert explain([manifest(document), "--strict"]) == 1


@pytest.mark.parametrize("path", [path for path, _ in RED[:10]], ids=lambda path: str(path[-1]))
def test_a_second_pod_is_looked_at_as_well(path: Path, manifest: Manifest) -> None:
    """A green one before it hides nothing, nor does a container before the red one."""
    red: Any = green()
    part = red
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = dict(RED)[path]
    red["spec"]["containers"].insert(0, {"name": "first", "image": "first"})
    assert explain([manifest(green(), red), "--strict"]) == 1


def places(value: Any, path: Path = ()) -> list[Path]:
    """List the place of every value in a document."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found += [place for key, inner in items for place in places(inner, (*path, key))]
    return found


NASTY: list[Any] = [
    None, "", "x", "\x1b[31m\u202e", "9" * 400, -1, 0, 1.5, 10**30, float("inf"), True, [], {},
    [None], [[]], {"a": "b"}, [{}], {"": None}, "{{ .Values.x }}", "$(A)", ["sh", "-c", "'\"`$("],
    {"port": []}, [{"name": []}], {"matchLabels": []}, {"name": "a", "value": {}},
]  # fmt: skip
EXTRA = [
    "kind", "spec", "metadata", "selector", "template", "initContainers", "volumes", "lifecycle",
    "envFrom", "env", "args", "command", "resources", "securityContext", "restartPolicy", "grpc",
    "restartPolicyRules", "volumeMounts", "activeDeadlineSeconds", "strategy", "items", "labels",
]  # fmt: skip


@settings(anything, max_examples=200)
@given(data=st.data(), options=st.sampled_from([[], ["--json"]]))
def test_whatever_stands_where_there_is_no_traceback(
    data: st.DataObject, options: list[str], manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anything in any place is explained, found, or told in one line."""
    document: Any = green()
    if data.draw(st.booleans()):
        template = {"metadata": {"labels": {"a": "b"}}, "spec": document["spec"]}
        selector = {"matchLabels": {"a": "b"}}
        document["spec"] = {"selector": selector, "template": template}
        document["kind"] = data.draw(
            st.sampled_from(["Deployment", "Job", "StatefulSet", "Rollout"])
        )
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        part = document
        for step in path[:-1]:
            part = part[step]
        key = path[-1]
        if isinstance(part, dict) and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(EXTRA))
        part[key] = deepcopy(data.draw(st.sampled_from(NASTY)))
        if not places(document):
            break
    status = explain([manifest(document), "--template", "spec.template", *options])
    captured = capsys.readouterr()
    assert status in (0, 1, 2)
    assert (captured.err.count("\n") == 1 and not captured.out) == (status == 2)
    if options and status != 2:
        json.loads(captured.out)


@settings(anything, max_examples=60)
@given(text=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_told_in_one_line(
    text: str, manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no manifest, whatever else it is."""
    assert explain([manifest(text)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
