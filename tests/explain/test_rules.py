from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.explain.case import Case
from tcp_probe.explain.rules import RULES, find
from tcp_probe.explain.services import Services
from tcp_probe.explain.timing import Timing
from tcp_probe.explain.worker_kind import clean_end, uses_tcp_probe
from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import containers, resources
from tcp_probe.manifest.workload import workload

Found = Callable[..., dict[str, Finding]]
Pod = Callable[..., dict[str, Any]]

PORTS = [{"name": "live", "containerPort": 9090}, {"name": "ready", "containerPort": 9091}]


def tcp(port: int | str = "live", **more: Any) -> dict[str, Any]:
    return {"tcpSocket": {"port": port}, "timeoutSeconds": 2, **more}


def good(**changes: Any) -> dict[str, Any]:
    """Fields of a container that no rule has anything to say about."""
    fields: dict[str, Any] = {
        "ports": PORTS,
        "startupProbe": tcp(periodSeconds=2, failureThreshold=30),
        "livenessProbe": tcp(),
        "readinessProbe": tcp("ready"),
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def command(*words: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"command": list(words)}, **more}


@pytest.fixture
def found(manifest: Callable[..., str], pod: Pod) -> Found:
    """Find what is worth a change in a pod; the findings by their rules."""

    def found(
        spec: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        others: tuple[dict[str, Any], ...] = (),
        ends: float | None = None,
        **fields: Any,
    ) -> dict[str, Finding]:
        document = pod(spec, **good(**fields))
        document["metadata"].update(metadata or {})
        all_of_them = resources(manifest(document, *others))
        loaded = workload(containers(all_of_them)[0])
        timing = Timing(loaded.container, loaded.handlers, pre_stop=loaded.pre_stop)
        case = Case(
            loaded,
            timing,
            clean_end(loaded) if ends is None else ends,
            uses_tcp_probe(loaded),
            Services(all_of_them),
        )
        return {finding.rule: finding for finding in find(case)}

    return found


def test_good_probes_have_no_findings(found: Found) -> None:
    """The manifest that the other tests spoil is fine."""
    assert found() == {}


def test_every_finding_says_what_where_why_and_what_to_do(found: Found) -> None:
    """Rule, level, field, line, reason and fix."""
    [finding] = found(livenessProbe=tcp("dead")).values()
    assert finding.rule == "named-port"
    assert finding.level == "error"
    assert finding.field == "spec.containers[0].livenessProbe.tcpSocket.port"
    assert finding.line == 10
    assert "it has live, ready" in finding.reason
    assert finding.fix


STARTUP = {"periodSeconds": 2, "failureThreshold": 30}
UDP = [{"name": "live", "containerPort": 9090, "protocol": "UDP"}]
PAGE = {"httpGet": {"port": "live"}}
# The rule, what breaks it, and the level, the field and a part of the reason of the finding.
FOUND: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    ("named-port", {"readinessProbe": {"httpGet": {"port": "x"}}}, ("error", "port", "no port")),
    ("undeclared-port", {"livenessProbe": tcp(9099)}, ("warning", "port", "9099 is none")),
    ("port-number", {"livenessProbe": tcp(9090)}, ("info", "port", "has the name live")),
    ("udp-port", {"ports": UDP, "readinessProbe": None}, ("error", "port", "declared as UDP")),
    (
        "loopback-host",
        {"livenessProbe": {"tcpSocket": {"port": "live", "host": "127.0.0.1"}}},
        ("error", "host", "from the node"),
    ),
    (
        "other-host",
        {"livenessProbe": {"tcpSocket": {"port": "live", "host": "10.0.0.1"}}},
        ("warning", "host", "not to the pod"),
    ),
    (
        "checks-dependencies",
        {"livenessProbe": {"httpGet": {"port": "live", "path": "/health/dependencies"}}},
        ("warning", "httpGet", "'dependencies' sounds as if"),
    ),
    (
        "not-http",
        {"command": ["python", "-c", "import tcp_probe"], "livenessProbe": PAGE},
        ("error", "livenessProbe", "always fails"),
    ),
    (
        "timeout-over-period",
        {"livenessProbe": tcp(timeoutSeconds=15)},
        ("warning", "livenessProbe", "15 s, but one is due every 10 s"),
    ),
    (
        "short-tcp-timeout",
        {"livenessProbe": tcp(timeoutSeconds=1)},
        ("warning", "livenessProbe", "a dropped SYN is sent again after 1 s"),
    ),
    (
        "liveness-without-startup",
        {"startupProbe": None},
        ("warning", "livenessProbe", "longer than 20 s"),
    ),
    (
        "delay-for-startup",
        {"startupProbe": None, "livenessProbe": tcp(initialDelaySeconds=60)},
        ("warning", "initialDelaySeconds", "for 60 s of every start nobody looks"),
    ),
    (
        "short-startup",
        {"startupProbe": tcp(periodSeconds=2, failureThreshold=15)},
        ("warning", "startupProbe", "longer than 28 s"),
    ),
    (
        "short-startup",
        {"livenessProbe": tcp(initialDelaySeconds=60)},
        ("warning", "startupProbe", "allows 58 s, but the livenessProbe's delay expects 60 s"),
    ),
    (
        "budget-of-hours",
        {"startupProbe": tcp(failureThreshold=720)},
        ("warning", "startupProbe", "lives for 2.0 hours"),
    ),
    (
        "budget-of-hours",
        {"livenessProbe": tcp(periodSeconds=1200)},
        ("warning", "livenessProbe", "lives for 1.0 hours"),
    ),
    (
        "one-failure",
        {"livenessProbe": tcp(failureThreshold=1)},
        ("warning", "livenessProbe", "one lost packet"),
    ),
    (
        "same-as-liveness",
        {"readinessProbe": tcp("live")},
        ("warning", "readinessProbe", "killed just when"),
    ),
    (
        "liveness-before-readiness",
        {"livenessProbe": tcp(periodSeconds=5)},
        ("warning", "livenessProbe", "kills after 15 s, but readiness"),
    ),
    (
        "every-second",
        {"livenessProbe": tcp(periodSeconds=1)},
        ("warning", "livenessProbe", "3 s without an answer"),
    ),
    (
        "frequent-exec",
        {"livenessProbe": command("check", periodSeconds=5)},
        ("warning", "livenessProbe", "every 5 s a process is started"),
    ),
    (
        "not-a-command",
        {"livenessProbe": command("curl -f localhost")},
        ("error", "command", "no program named 'curl -f localhost'"),
    ),
    (
        "not-a-command",
        {"livenessProbe": command("curl", "-f", "localhost", "||", "exit", "1")},
        ("error", "command", "no shell reads '||'"),
    ),
    (
        "never-passes",
        {"livenessProbe": command("sh", "-c", "echo no; exit 3")},
        ("error", "command", "always fails"),
    ),
    ("never-passes", {"livenessProbe": command("false")}, ("error", "command", "always fails")),
    (
        "never-passes",
        {"livenessProbe": command("sleep", "2m", timeoutSeconds=60)},
        ("error", "command", "longer than its timeout of 60 s"),
    ),
    (
        "always-passes",
        {"livenessProbe": command("sh", "-c", "curl -f localhost || exit 0")},
        ("warning", "command", "always passes"),
    ),
    (
        "heavy-exec",
        {"livenessProbe": command("celery", "-A", "app", "inspect", "ping", timeoutSeconds=5)},
        ("warning", "command", "celery inspect starts anew for every check"),
    ),
    (
        "heavy-exec",
        {"livenessProbe": command("sh", "-c", "exec python -c 'import app'")},
        ("warning", "command", "python starts anew"),
    ),
    (
        "curl-without-fail",
        {"livenessProbe": command("sh", "-c", "exec curl -s localhost")},
        ("warning", "command", "ends with 0 on a 500"),
    ),
    (
        "shell-without-exec",
        {"livenessProbe": command("sh", "-c", "test -f /a && pgrep worker")},
        ("warning", "command", "the timeout ends the shell"),
    ),
    (
        "shell-without-exec",
        {"command": ["/bin/bash", "-ec", "export A=b\npython work.py"]},
        ("warning", "containers[0].command", "as PID 1 the shell gets SIGTERM"),
    ),
    (
        "ends-by-itself",
        {"command": ["/bin/sleep", "30"]},
        ("warning", "containers[0].command", "ends up in CrashLoopBackOff"),
    ),
    (
        "short-grace",
        {"image": "claude-worker", "livenessProbe": tcp(terminationGracePeriodSeconds=5)},
        ("warning", "terminationGracePeriodSeconds", "5 s from SIGTERM to SIGKILL"),
    ),
    (
        "hook-over-grace",
        {
            "livenessProbe": tcp(terminationGracePeriodSeconds=5),
            "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        },
        ("warning", "terminationGracePeriodSeconds", "sleeps 10 s, of which this leaves 5 s"),
    ),
    (
        "unwatched-hook",
        {"lifecycle": {"postStart": command("setup")}},
        ("info", "postStart.exec", "no probe runs before it has ended"),
    ),
    (
        "unrendered-template",
        {"image": "{{ .Values.image }}"},
        ("error", "image", "a template that was not rendered"),
    ),
    (
        "tiny-memory",
        {"resources": {"limits": {"memory": "512m"}}},
        ("error", "limits.memory", "512m is 0.512 bytes"),
    ),
    ("no-liveness", {"livenessProbe": None}, ("info", "containers[0]", "nothing restarts")),
]
# The rule, and what only just keeps it.
KEPT: list[tuple[str, dict[str, Any]]] = [
    ("undeclared-port", {"ports": None, "readinessProbe": None, "livenessProbe": tcp(1)}),
    ("undeclared-port", {"livenessProbe": tcp(9099), "args": ["--listen=:9099"]}),
    ("undeclared-port", {"livenessProbe": tcp(99), "env": [{"name": "PORT", "value": "99"}]}),
    ("port-number", {"ports": [{"containerPort": 9090}], "livenessProbe": tcp(9090)}),
    ("port-number", {"livenessProbe": tcp(9099)}),
    ("udp-port", {"ports": [*UDP, {"containerPort": 9090}], "readinessProbe": None}),
    ("loopback-host", {"livenessProbe": {"tcpSocket": {"port": "live", "host": "10.0.0.1"}}}),
    ("other-host", {"livenessProbe": {"tcpSocket": {"port": "live", "host": "localhost"}}}),
    ("checks-dependencies", {"livenessProbe": {"httpGet": {"port": "live", "path": "/readme"}}}),
    ("checks-dependencies", {"readinessProbe": {"httpGet": {"port": "live", "path": "/db"}}}),
    ("not-http", {"livenessProbe": PAGE}),
    (
        "not-http",
        {
            "command": ["tcp-probe"],
            "startupProbe": None,
            "livenessProbe": PAGE,
        },
    ),
    ("timeout-over-period", {"livenessProbe": tcp(timeoutSeconds=10)}),
    ("short-tcp-timeout", {"livenessProbe": PAGE}),
    ("liveness-without-startup", {"startupProbe": None, "livenessProbe": tcp(periodSeconds=15)}),
    ("liveness-without-startup", {"startupProbe": None, "livenessProbe": None}),
    ("delay-for-startup", {"livenessProbe": tcp(initialDelaySeconds=30)}),
    ("short-startup", {"startupProbe": tcp(periodSeconds=2, failureThreshold=16)}),
    ("short-startup", {"livenessProbe": tcp(initialDelaySeconds=58)}),
    ("budget-of-hours", {"startupProbe": tcp(failureThreshold=359)}),
    ("budget-of-hours", {"readinessProbe": tcp("ready", failureThreshold=999)}),
    ("one-failure", {"readinessProbe": tcp("ready", failureThreshold=1)}),
    ("same-as-liveness", {"readinessProbe": tcp("live", failureThreshold=1)}),
    ("same-as-liveness", {"readinessProbe": None}),
    ("liveness-before-readiness", {"readinessProbe": tcp("ready", periodSeconds=10)}),
    ("frequent-exec", {"livenessProbe": command("check")}),
    ("not-a-command", {"livenessProbe": command("sh", "-c", "curl -f localhost || exit 1")}),
    ("not-a-command", {"livenessProbe": command("grep", "-q", "a b", "/state")}),
    ("never-passes", {"livenessProbe": command("sleep", "1", timeoutSeconds=2)}),
    ("never-passes", {"livenessProbe": command("sh", "-c", "curl -f localhost || exit 1; exit 0")}),
    ("never-passes", {"lifecycle": {"preStop": command("sleep", "25")}}),
    ("always-passes", {"lifecycle": {"preStop": command("echo", "bye")}}),
    (
        "heavy-exec",
        {"livenessProbe": command("celery", "-A", "app", "inspect", "ping", timeoutSeconds=10)},
    ),
    ("heavy-exec", {"livenessProbe": command("python", "work.py", timeoutSeconds=2)}),
    ("heavy-exec", {"livenessProbe": command("python", "-m", "tcp_probe", "check", "9090")}),
    ("heavy-exec", {"lifecycle": {"preStop": command("python", "drain.py")}}),
    ("curl-without-fail", {"livenessProbe": command("curl", "-sf", "localhost")}),
    ("curl-without-fail", {"livenessProbe": command("sh", "-c", "curl --fail localhost || true")}),
    ("shell-without-exec", {"livenessProbe": command("sh", "-c", "test -f /alive")}),
    ("shell-without-exec", {"livenessProbe": command("sh", "-c", "cd /; exec pgrep worker")}),
    ("shell-without-exec", {"livenessProbe": command("pgrep", "worker")}),
    ("shell-without-exec", {"livenessProbe": command("sh", "-c", "")}),
    ("shell-without-exec", {"livenessProbe": command("sh", "/check.sh")}),
    ("shell-without-exec", {"command": ["sh", "-c", "trap 'kill $!' TERM; python work.py"]}),
    ("shell-without-exec", {"command": ["env", "A=b", "python"]}),
    ("ends-by-itself", {"command": ["sleep", "infinity"]}),
    ("ends-by-itself", {"command": ["python", "work.py"]}),
    ("ends-by-itself", {"command": ["sh", "-c", ""]}),
    ("short-grace", {"livenessProbe": tcp(terminationGracePeriodSeconds=1)}),
    (
        "short-grace",
        {"image": "claude", "livenessProbe": tcp(terminationGracePeriodSeconds=11)},
    ),
    ("hook-over-grace", {"lifecycle": {"preStop": {"sleep": {"seconds": 30}}}}),
    ("unwatched-hook", {"lifecycle": {"postStart": {"sleep": {"seconds": 3}}}}),
    ("unrendered-template", {"args": ["--format={{ .Name }}"], "stdin": True}),
    ("tiny-memory", {"resources": {"limits": {"memory": "512Mi"}}}),
    ("tiny-memory", {"resources": {"limits": {"memory": "much"}}}),
    ("tiny-memory", {"resources": {"requests": {"memory": 0}}}),
]


@pytest.mark.parametrize(("rule", "changes", "expected"), FOUND)
def test_what_is_worth_a_change_is_found(
    rule: str, changes: dict[str, Any], expected: tuple[str, str, str], found: Found
) -> None:
    """Each rule by a probe that breaks it."""
    finding = found(**changes)[rule]
    level, field, reason = expected
    assert finding.level == level
    assert finding.field.endswith(field)
    assert reason in finding.reason


@pytest.mark.parametrize(("rule", "changes"), KEPT)
def test_what_is_fine_is_not_found(rule: str, changes: dict[str, Any], found: Found) -> None:
    """Each rule by a probe that only just keeps it."""
    assert rule not in found(**changes)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.1.2.3", "::1"])
def test_on_the_network_of_the_node_its_own_address_is_right(host: str, found: Found) -> None:
    """There the pod is at home, which is worth a remark itself."""
    probe = {"httpGet": {"port": "live", "host": host}}
    assert "loopback-host" in found(livenessProbe=probe)
    findings = found({"hostNetwork": True}, livenessProbe=probe)
    assert "loopback-host" not in findings
    assert findings["host-network"].level == "warning"
    assert findings["host-network"].field == "spec.hostNetwork"
    assert "host-network" not in found({"hostNetwork": False})


@pytest.mark.parametrize("path", ["/ready", "/health/deep", "/db", "/healthz?full=1", "/UPSTREAM"])
def test_paths_that_sound_like_dependencies_are_found(path: str, found: Found) -> None:
    """In liveness and in startup, which restart the worker."""
    page = {"httpGet": {"port": "live", "path": path}}
    assert "checks-dependencies" in found(livenessProbe=page)
    assert "checks-dependencies" in found(startupProbe=page)


def test_the_grace_of_the_pod_counts_too(found: Found) -> None:
    """It is what a rolling update gives the worker; a sleeping hook takes its part of it."""
    finding = found({"terminationGracePeriodSeconds": 10}, ends=11)["short-grace"]
    assert finding.field == "spec.terminationGracePeriodSeconds"
    sleep = {"preStop": {"sleep": {"seconds": 25}}}
    finding = found(lifecycle=sleep, ends=11)["short-grace"]
    assert (finding.field, finding.fix) == ("spec", "terminationGracePeriodSeconds: 36 or more")
    assert "short-grace" not in found(lifecycle={"preStop": command("drain")}, ends=11)
    assert "short-grace" not in found({"terminationGracePeriodSeconds": 10}, ends=10)


def test_of_a_worker_that_nothing_is_known_of_only_no_time_at_all_is_found(found: Found) -> None:
    """How long it needs to end is its own affair, unless it uses Claude, whose CLI takes 11 s."""
    assert "short-grace" not in found({"terminationGracePeriodSeconds": 1})
    finding = found({"terminationGracePeriodSeconds": 0})["short-grace"]
    assert "0 s from SIGTERM to SIGKILL; a clean end needs some" in finding.reason
    key = {"name": "ANTHROPIC_API_KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    finding = found({"terminationGracePeriodSeconds": 10}, env=[key])["short-grace"]
    assert "a clean end needs 11 s" in finding.reason


def test_a_service_mesh_that_answers_checks_is_found(found: Found) -> None:
    """Linkerd's proxy accepts every connection, unless the port is left to the container."""

    def of(annotations: dict[str, str], **fields: Any) -> dict[str, Finding]:
        return found(metadata={"annotations": annotations}, **fields)

    mesh = {"linkerd.io/inject": "enabled"}
    finding = of(mesh)["service-mesh"]
    assert finding.level == "error"
    assert "never fails" in finding.reason
    skip = "config.linkerd.io/skip-inbound-ports"
    assert "service-mesh" not in of({**mesh, skip: "25,9000-9091"})
    assert "service-mesh" in of({**mesh, skip: "9090"})
    assert "service-mesh" not in of({"linkerd.io/inject": "disabled"})
    assert "service-mesh" not in of({"other": "x"})
    page = {"httpGet": {"port": "live"}}
    only_pages = {"startupProbe": None, "livenessProbe": page, "readinessProbe": page}
    assert "service-mesh" not in of(mesh, **only_pages)


def with_other(spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Put another container beside the first one; `pod` would put its own in its place."""
    return {**spec, "containers": [*spec["containers"], {"name": "other", **fields}]}


@pytest.mark.parametrize("rule", ["ports-of-others", "port-taken"])
def test_a_port_belongs_to_one_container_of_a_pod(
    rule: str, manifest: Callable[..., str], pod: Pod
) -> None:
    """Whoever probes that of another is restarted for it, and of two one cannot listen."""

    def rules(**other: Any) -> dict[str, Finding]:
        probe = tcp(9099) if rule == "ports-of-others" else tcp()
        document = pod(**good(livenessProbe=probe))
        document["spec"] = with_other(document["spec"], **other)
        loaded = workload(containers(resources(manifest(document)))[0])
        case = Case(loaded, Timing(loaded.container, loaded.handlers))
        return {finding.rule: finding for finding in find(case)}

    number = 9099 if rule == "ports-of-others" else 9090
    finding = rules(ports=[{"containerPort": number}])[rule]
    assert finding.level == "warning"
    assert "container other" in finding.reason
    assert rule not in rules(ports=[{"containerPort": 1}])


def test_an_init_container_may_use_a_port_of_those_after_it(
    manifest: Callable[..., str], pod: Pod
) -> None:
    """It has ended by then."""
    setup = {"name": "setup", "ports": [{"containerPort": 9090}]}
    choices = containers(resources(manifest(pod({"initContainers": [setup]}, **good()))))
    for choice in choices:
        loaded = workload(choice)
        case = Case(loaded, Timing(loaded.container, loaded.handlers))
        assert "port-taken" not in {finding.rule for finding in find(case)}


SERVICE = {"kind": "Service", "metadata": {"name": "web"}}


def test_a_container_behind_a_service_without_readiness_is_found(found: Found) -> None:
    """It gets requests before it can answer them; another Service is none of its business."""
    labels = {"labels": {"app": "web", "tier": "a"}}

    def with_service(selector: Any, **changes: Any) -> dict[str, Finding]:
        service = {**SERVICE, "spec": {"selector": selector}}
        return found(metadata=labels, others=(service,), **changes)

    finding = with_service({"app": "web"}, readinessProbe=None)["no-readiness"]
    assert "Service web sends requests" in finding.reason
    assert "no-readiness" not in with_service({"app": "web"})
    for selector in ({"app": "other"}, {"app": "web", "tier": "b"}, {}, None):
        assert "no-readiness" not in with_service(selector, readinessProbe=None)
    elsewhere = {**SERVICE, "metadata": {"name": "web", "namespace": "a"}}
    elsewhere["spec"] = {"selector": {"app": "web"}}
    found_there = found(
        metadata=labels, others=(elsewhere, {"kind": "Service"}), readinessProbe=None
    )
    assert "no-readiness" not in found_there
    assert "no-readiness" not in found(readinessProbe=None)


@pytest.mark.parametrize(
    ("ports", "rules"),
    [
        ([{"port": 80, "targetPort": "live"}], {"no-readiness"}),
        ([{"port": 9090}], {"no-readiness"}),
        ([{"port": 80, "targetPort": 8080}], set()),
        ([], set()),
    ],
)
def test_of_several_containers_the_one_that_serves_needs_readiness(
    ports: list[dict[str, Any]], rules: set[str], manifest: Callable[..., str], pod: Pod
) -> None:
    """The one that has the port of the Service, by name or by number."""
    document = pod(**good(readinessProbe=None))
    document["metadata"]["labels"] = {"app": "web"}
    document["spec"] = with_other(document["spec"])
    service = {**SERVICE, "spec": {"selector": {"app": "web"}, "ports": ports}}
    all_of_them = resources(manifest(document, service))
    loaded = workload(containers(all_of_them)[0])
    timing = Timing(loaded.container, loaded.handlers)
    case = Case(loaded, timing, services=Services(all_of_them))
    assert {finding.rule for finding in find(case)} & {"no-readiness"} == rules


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_probe_that_turns_a_hang_into_success_is_found(policy: str, found: Found) -> None:
    """A worker that ends with 0 when it is killed counts as done where it is not restarted."""
    finding = found({"restartPolicy": policy})["turned-into-success"]
    assert "the Pod counts as Succeeded, its work undone" in finding.reason
    assert "turned-into-success" not in found()
    unprobed = found({"restartPolicy": policy}, startupProbe=None, livenessProbe=None)
    assert "turned-into-success" not in unprobed


def test_a_job_that_would_become_complete_is_found(manifest: Callable[..., str], pod: Pod) -> None:
    """Its hang is then taken for success by whoever waits for it."""
    spec = {**pod(**good())["spec"], "restartPolicy": "Never"}
    job = {"kind": "Job", "spec": {"template": {"spec": spec}}}
    loaded = workload(containers(resources(manifest(job)))[0])
    case = Case(loaded, Timing(loaded.container, loaded.handlers))
    [finding] = [each for each in find(case) if each.rule == "turned-into-success"]
    assert "the Job counts as Complete" in finding.reason


def test_a_pod_with_a_deadline_is_found(found: Found) -> None:
    """Well or not, it ends then."""
    assert "60 s after its start" in found({"activeDeadlineSeconds": 60})["pod-deadline"].reason
    assert "pod-deadline" not in found()


def test_a_container_that_is_not_restarted_may_end(found: Found) -> None:
    """That is what it is for."""
    assert "ends-by-itself" not in found({"restartPolicy": "Never"}, command=["echo"])


def test_what_a_rule_cannot_understand_is_told(found: Found) -> None:
    """Where no other part of the program looks at it before."""
    finding = found({"hostNetwork": "yes"})["refused"]
    assert finding.reason == "expected true or false, got 'yes'"
    assert finding.field == "spec.hostNetwork"


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ["python", "-c", "import tcp_probe"]},
        {"args": ["-m", "tcp_probe"]},
        {"image": "registry/tcp-probe-worker"},
        {"env": [{"name": "TCP_PROBE_PORT", "value": "9090"}]},
        {"envFrom": [{"configMapRef": {"name": "tcp-probe"}}]},
    ],
)
def test_a_worker_that_uses_tcp_probe_is_known(
    fields: dict[str, Any], manifest: Callable[..., str], pod: Pod
) -> None:
    """By what the manifest gives it, or by an annotation."""

    def known(document: dict[str, Any]) -> bool:
        return uses_tcp_probe(workload(containers(resources(manifest(document)))[0]))

    assert known(pod(**fields))
    document = pod()
    assert not known(document)
    document["metadata"]["annotations"] = {"tcp-probe/worker": "true"}
    assert known(document)


def test_every_rule_is_in_the_docs() -> None:
    """With its level."""
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", page, re.MULTILINE)
    told = {name: level for names, level in rows for name in re.findall(r"`([^`]+)`", names)}
    for rule, level in RULES:
        assert told[rule.__name__.replace("_", "-")] == level


def test_every_rule_has_a_name_and_a_level_of_its_own() -> None:
    """By which a finding can be told from others."""
    names = [rule.__name__ for rule, _ in RULES]
    assert len(set(names)) == len(names)
    assert {level for _, level in RULES} == {"error", "warning", "info"}
