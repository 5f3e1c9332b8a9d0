from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.explain.rules import RULES
from tcp_probe.manifest.finding import Finding

Found = Callable[..., dict[str, Finding]]


def tcp(port: int | str = "live", **more: Any) -> dict[str, Any]:
    return {"tcpSocket": {"port": port}, "timeoutSeconds": 2, **more}


def command(*words: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"command": list(words)}, **more}


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
    assert "it has live" in finding.reason
    assert finding.fix


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
        {"livenessProbe": tcp(periodSeconds=5), "readinessProbe": tcp()},
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
            "ports": [{"name": "live", "containerPort": 80}, {"name": "x", "containerPort": 9090}],
            "startupProbe": None,
            "livenessProbe": PAGE,
            "readinessProbe": tcp("x"),
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
    ("budget-of-hours", {"readinessProbe": tcp(failureThreshold=999)}),
    ("one-failure", {"readinessProbe": tcp(failureThreshold=1)}),
    ("same-as-liveness", {"readinessProbe": tcp("live", failureThreshold=1)}),
    ("same-as-liveness", {"readinessProbe": None}),
    ("liveness-before-readiness", {"readinessProbe": tcp(periodSeconds=10)}),
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


def test_what_a_rule_cannot_understand_is_told(found: Found) -> None:
    """Where no other part of the program looks at it before."""
    finding = found({"hostNetwork": "yes"})["refused"]
    assert finding.reason == "expected true or false, got 'yes'"
    assert finding.field == "spec.hostNetwork"


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
