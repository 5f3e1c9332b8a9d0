from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain import explainer
from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

GOOD = {
    "ports": [{"name": "live", "containerPort": 9090}],
    "startupProbe": {
        "tcpSocket": {"port": "live"},
        "timeoutSeconds": 2,
        "periodSeconds": 2,
        "failureThreshold": 30,
    },
    "livenessProbe": {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2},
    "readinessProbe": {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2, "failureThreshold": 1},
}
SHORT = {"tcpSocket": {"port": 9090}}
DEAD = {"tcpSocket": {"port": "dead"}}


def test_the_figures_and_findings_are_printed_as_json(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """One object, the containers in it, with the seconds at least and at most."""
    file = manifest(pod(**GOOD), {"kind": "Secret", "metadata": {"name": "key"}})
    assert explain([file, "--json", "--tcp-probe"]) == 0
    told = json.loads(capsys.readouterr().out)
    [container] = told.pop("containers")
    assert told == {
        "manifest": file,
        "kubernetes": "1.37",
        "findings": [],
        "passed_over": [{"kind": "Secret", "name": "key", "line": 28}],
        "back_off": {
            "delays": [10, 20, 40, 80, 160, 300],
            "late_by_up_to": [6, 11, 21, 31, 31, 31],
            "forgotten_after": 600,
        },
        "errors": 0,
        "warnings": 0,
        "infos": 0,
    }
    assert container == {
        "kind": "Pod",
        "name": "worker",
        "namespace": None,
        "container": "worker",
        "role": "container",
        "line": 7,
        "tcp_probe": True,
        "start": {"least": 58, "most": 61},
        "refuses": {
            "killed": {"least": 20, "most": 31},
            "sigterm": {"least": 20, "most": 31},
            "new_container": {"least": 20, "most": 61},
            "not_ready": {"least": 0, "most": 10},
        },
        "stands_still": {
            "killed": {"least": 32, "most": 53},
            "sigterm": {"least": 32, "most": 53},
            "new_container": {"least": 62, "most": 83},
            "not_ready": {"least": 12, "most": 32},
        },
        "stalls": {
            "killed": {"least": 30, "most": 47.2},
            "sigterm": {"least": 30, "most": 47.2},
            "new_container": {"least": 60, "most": 77.2},
            "not_ready": {"least": 10, "most": 26.2},
        },
        "ready_again": {"least": 0, "most": 10},
        "grace": 30,
        "findings": [],
    }


@pytest.mark.parametrize(
    "options", [["--backlog", "20", "--stall-timeout", "30"], ["--backlog", "20", "--tcp-probe"]]
)
def test_backlog_and_stall_timeout_are_those_of_the_worker(
    options: list[str], manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """They decide how long a worker that stands still is taken for alive."""
    explain([manifest(pod(**GOOD)), "--json", *options])
    [explained] = json.loads(capsys.readouterr().out)["containers"]
    assert explained["stands_still"]["sigterm"] == {"least": 122, "most": 143}
    late = {"least": 50, "most": 79.6} if "30" in options else {"least": 30, "most": 47.2}
    assert explained["stalls"]["sigterm"] == late


def test_what_belongs_to_tcp_probe_is_told_of_its_workers_only(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Of another worker it is not known how many connections the kernel takes for it."""
    explain([manifest(pod(**GOOD))])
    output = capsys.readouterr().out
    assert "the port refuses  20 to 31 s" in output
    assert "backlog" not in output
    assert "stands still  " not in output
    assert "stall" not in output
    explain([manifest(pod(**GOOD, command=["python", "-c", "import tcp_probe"]))])
    output = capsys.readouterr().out
    assert "the process stands still (backlog 2)" in output
    assert "the loop stalls: a synchronous call does not return." in output
    page = {"livenessProbe": {"httpGet": {"port": "live"}}}
    explain([manifest(pod(**{**GOOD, **page}))])
    assert "the process stands still  21 to 32 s" in capsys.readouterr().out


def test_where_nothing_is_restarted_no_new_container_is_told_of(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """As in a Job whose restartPolicy is Never: there is none, at once or later."""
    explain([manifest(pod({"restartPolicy": "Never"}, **GOOD))])
    output = " ".join(capsys.readouterr().out.split())
    assert "the port refuses 20 to 31 s none 0 to 10 s" in output
    assert "No new container follows, as the restartPolicy is Never." in output
    for word in ("gets its new container", "Back-off", "restarts at once"):
        assert word not in output


def test_rules_may_restart_what_its_policy_does_not(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Which one holds then depends on the exit code: the manifest does not tell."""
    codes = {"operator": "In", "values": [42]}
    fields = {
        "restartPolicy": "Never",
        "restartPolicyRules": [{"action": "Restart", "exitCodes": codes}],
    }
    explain([manifest(pod(**GOOD, **fields))])
    output = " ".join(capsys.readouterr().out.split())
    assert "the port refuses 20 to 31 s - 0 to 10 s" in output
    assert "Back-off" in output


def test_without_a_readiness_probe_it_is_ready_to_its_end(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """As a rehearsal shows it; that is known, unlike what a command would do."""
    good = {name: value for name, value in GOOD.items() if name != "readinessProbe"}
    explain([manifest(pod(**good))])
    output = " ".join(capsys.readouterr().out.split())
    assert "the port refuses 20 to 31 s 20 to 61 s at its end" in output
    assert "Without a readinessProbe it is ready until it ends." in output
    explain([manifest(pod(**GOOD))])
    assert "Without a readinessProbe" not in capsys.readouterr().out


def test_every_container_of_every_pod_is_explained(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Or one of them by its name, in every pod or in one."""
    document = pod({"initContainers": [{"name": "setup", "image": "setup"}]}, **GOOD)
    document["spec"]["containers"].append({"name": "other", "image": "other"})
    second = pod(**GOOD)
    second["metadata"] = {"name": "second"}
    file = manifest(document, second)

    def explained(*options: str) -> list[str]:
        explain([file, "--json", *options])
        told = json.loads(capsys.readouterr().out)["containers"]
        return [f"{each['name']}/{each['container']}" for each in told]

    everything = ["worker/setup", "worker/worker", "worker/other", "second/worker"]
    assert explained() == everything
    assert explained("--container", "other") == ["worker/other"]
    assert explained("--container", "worker") == ["worker/worker", "second/worker"]
    assert explained("--container", "second/worker") == ["second/worker"]
    assert explain([file, "--container", "none"]) == 2
    assert "expected a container 'none', found worker/setup" in capsys.readouterr().err


def test_the_explanation_can_be_read(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """In sentences and a table with a legend, with nothing to remark where all is well."""
    assert explain([manifest(pod(**GOOD), {"kind": "Secret"}), "--tcp-probe"]) == 0
    output = capsys.readouterr().out
    lines = output.splitlines()
    assert lines[0] == "Pod worker, container worker"
    assert "A start that does not answer is killed after 58 to 61 s." in lines
    assert re.search(r"^the port refuses +20 to 31 s +20 to 61 s +0 to 10 s$", output, re.MULTILINE)
    assert "Ready again 0 to 10 s after checks pass again." in lines
    assert any("10, 20, 40, 80, 160, 300 s, late by up to 6" in line for line in lines)
    assert "How to read this" in lines
    assert "Passed over, as no pod is in them: Secret secret." in lines
    assert lines[-1] == "nothing found that is worth a change, in 1 container"


def test_hooks_are_in_the_figures(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A sleep before SIGTERM comes on top; of another hook it is said that it may take all."""
    explain([manifest(pod(**GOOD, lifecycle={"preStop": {"sleep": {"seconds": 5}}}))])
    output = capsys.readouterr().out
    assert "the port refuses  25 to 36 s  25 to 61 s" in output
    assert "Before SIGTERM the preStop hook sleeps 5 s. There are 30 s for all" in output
    explain([manifest(pod(**GOOD, lifecycle={"preStop": {"exec": {"command": ["drain"]}}}))])
    output = capsys.readouterr().out
    assert "the port refuses  20 to 61 s  20 to 63 s" in output
    assert "Before SIGTERM the preStop hook runs its command" in output
    explain([manifest(pod(**GOOD, lifecycle={"preStop": {"httpGet": {"port": "live"}}}))])
    assert "the preStop hook gets its page" in capsys.readouterr().out


def test_a_container_without_probes_is_explained_too(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Nothing happens to it, and an init container has to end."""
    setup = {"name": "setup", "image": "setup"}
    assert explain([manifest(pod({"initContainers": [setup]}))]) == 0
    output = capsys.readouterr().out
    assert "A start may take as long as it likes." in output
    assert "Ready again" not in output
    assert "How to read this" not in output
    assert "info: no-liveness\n  spec.containers[0], line 7\n" in output
    assert "Pod worker, init container setup\nNo probe watches it" in output
    assert output.endswith("1 info in 2 containers\n")


def test_an_error_is_told_by_the_exit_status(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A warning is not one, but with --strict."""
    assert explain([manifest(pod(livenessProbe=DEAD))]) == 1
    output = capsys.readouterr().out
    assert "error: named-port\n  spec.containers[0].livenessProbe.tcpSocket.port, line " in output
    assert "\n  -> write the name or the number" in output
    short = manifest(pod(livenessProbe=SHORT))
    assert explain([short]) == 0
    assert "warning: short-tcp-timeout" in capsys.readouterr().out
    assert explain([short, "--strict"]) == 1
    assert explain([manifest(pod()), "--strict"]) == 0


def test_what_cannot_be_understood_hides_nothing_else(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """A container without figures has findings, and so have all the others."""
    broken = pod(livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": "5"})
    headless = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    file = manifest(broken, headless, pod(livenessProbe=DEAD))
    assert explain([file, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    first, second = told["containers"]
    assert [finding["rule"] for finding in first["findings"]] == ["wrong-type"]
    assert (first["start"], first["grace"]) == (None, None)
    assert "refuses" not in first
    assert second["findings"][0]["rule"] == "named-port"
    [finding] = told["findings"]
    assert (finding["kind"], finding["name"], finding["rule"]) == (
        "Deployment",
        "a",
        "missing-field",
    )
    assert explain([file]) == 1
    output = capsys.readouterr().out
    assert "expected a whole number, got '5'" in output
    assert "Deployment a, as a whole\n\nerror: missing-field" in output


def test_what_the_api_server_refuses_is_an_error(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Each mistake once, although several parts of the program come across it."""
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": -1}
    assert explain([manifest(pod(livenessProbe=probe)), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    [finding] = told["containers"][0]["findings"]
    assert finding["rule"] == "refused"
    assert "expected a whole number from 0 to 2147483647, got -1" in finding["reason"]


def test_a_hook_that_always_fails_is_an_error(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """The API server takes a tcpSocket hook, but kubelet has none."""
    for name, more in (("postStart", "the container is killed, again"), ("preStop", "each time")):
        lifecycle = {name: {"tcpSocket": {"port": 9090}}}
        assert explain([manifest(pod(**GOOD, lifecycle=lifecycle)), "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        finding = told["containers"][0]["findings"][0]
        assert finding["rule"] == "tcp-hook"
        assert more in finding["reason"]


def test_a_template_of_another_kind_is_explained(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Where it is said to be; what it has of its own may be right, and is a warning at most."""
    spec = {**pod(**GOOD)["spec"], "containerConcurrency": 1}
    rollout = {"kind": "Rollout", "metadata": {"name": "a"}}
    rollout["spec"] = {"template": {"spec": spec}}
    assert explain([manifest(rollout)]) == 2
    error = capsys.readouterr().err
    assert "found Rollout; a pod seems to be in it: --template spec.template" in error
    assert explain([manifest(rollout), "--template", "spec.template", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["containers"][0]["kind"] == "Rollout"
    assert [finding["rule"] for finding in told["findings"]] == ["unknown-field"]
    assert told["findings"][0]["level"] == "info"
    probe = {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2, "periodSecond": 1}
    spec["containers"][0].update(livenessProbe=probe, image="")
    assert explain([manifest(rollout), "--template", "spec.template", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["containers"][0]
    found = {finding["rule"]: finding["level"] for finding in told["findings"]}
    assert found == {"unknown-field": "warning", "refused": "warning"}
    bare = {"kind": "Worker", **{name: pod(**GOOD)[name] for name in ("metadata", "spec")}}
    assert explain([manifest(bare), "--template", "."]) == 0


def test_what_knative_fills_in_need_not_be_there(manifest: Manifest, capsys: Output) -> None:
    """A container has no name there, and a probe has its only port."""
    page = {"httpGet": {"path": "/"}}
    container = {"image": "a", "ports": [{"containerPort": 80}], "livenessProbe": page}
    service = {"kind": "Service", "spec": {"template": {"spec": {"containers": [container]}}}}
    service["apiVersion"] = "serving.knative.dev/v1"
    assert explain([manifest(service), "--template", "spec.template", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["containers"]
    assert told["refuses"]["killed"] == {"least": 20, "most": 31}
    assert {each["level"] for each in told["findings"] if each["rule"] == "missing-field"} == {
        "info"
    }
    container["livenessProbe"] = {"tcpSocket": {"port": 81}}
    assert explain([manifest(service), "--template", "spec.template", "--json"]) == 0
    assert "81 is none of the ports" in capsys.readouterr().out


def test_a_pod_that_is_passed_over_is_named(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """It seems to be in a kind that is not known, and may be as red as any."""
    rollout = {"kind": "Rollout", "spec": {"template": {"spec": pod(livenessProbe=DEAD)["spec"]}}}
    file = manifest(pod(**GOOD), rollout)
    assert explain([file]) == 0
    assert "warning: not-explained" in capsys.readouterr().out
    assert explain([file, "--strict"]) == 1
    assert "explain it with --template spec.template" in capsys.readouterr().out
    assert explain([file, "--template", "spec.template"]) == 1
    assert explain([manifest(rollout, {"kind": "Secret"}), "--template", "spec.pod"]) == 2
    wrong = {"kind": "Rollout", "spec": "none"}
    assert explain([manifest(pod(**GOOD), wrong), "--template", "spec.template"]) == 0
    assert "Passed over, as no pod is in them: Rollout rollout." in capsys.readouterr().out


def test_a_kind_of_another_group_is_another_kind(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """It may have its pods elsewhere; a kind in small letters is none at all."""
    spec = pod(**GOOD)["spec"]
    other = {"kind": "Job", "metadata": {"name": "work"}, "spec": {"template": {"spec": spec}}}
    file = manifest(pod(**GOOD), {**other, "apiVersion": "batch.example.com/v1"})
    assert explain([file]) == 0
    assert "warning: not-explained" in capsys.readouterr().out
    assert explain([file, "--template", "spec.template", "--strict"]) == 0
    small = manifest(pod(**GOOD), {**other, "apiVersion": "batch/v1", "kind": "job"})
    assert explain([small]) == 1
    assert "there is no kind job\n  -> kind: Job" in capsys.readouterr().out


def test_the_version_of_the_cluster_counts(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """What is newer is an error there, and a remark where the version is not known."""
    file = manifest(pod(**GOOD, lifecycle={"preStop": {"sleep": {"seconds": 3}}}))
    assert explain([file]) == 0
    assert "info: newer-field" in capsys.readouterr().out
    assert explain([file, "--kubernetes", "1.28"]) == 1
    assert "1.28 does not know it" in capsys.readouterr().out
    assert explain([file, "--kubernetes", "1.29"]) == 1
    assert "Kubernetes 1.29 does not heed it unless a" in capsys.readouterr().out
    assert explain([file, "--kubernetes", "v1.30.2"]) == 0
    assert "newer-field" not in capsys.readouterr().out
    for version in ("1.9", "2.30", "new"):
        assert explain([file, "--kubernetes", version]) == 2
        assert "expected a version" in capsys.readouterr().err


def test_only_so_many_findings_are_shown(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A file with a thousand mistakes has others first."""
    document = pod(**{f"field{number}": 1 for number in range(200)})
    document["spec"]["containers"] *= 2
    assert explain([manifest(document), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["containers"][0]["findings"]
    assert len(findings) == 101
    assert findings[-1]["rule"] == "too-many"
    assert findings[-1]["reason"] == "101 more findings are not shown"


def test_what_would_take_for_ever_is_refused(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pod of thousands of containers, a list of thousands of items, or any file after minutes."""
    crowd = pod()
    crowd["spec"]["containers"] *= 201
    assert explain([manifest(crowd)]) == 1
    assert "expected at most 200 items, got 201" in capsys.readouterr().out
    assert explain([manifest(pod(env=[{"name": "A"}] * 2001))]) == 2
    assert "expected at most 2,000 items, got 2,001" in capsys.readouterr().err
    monkeypatch.setattr(explainer, "MOST_SECONDS", -1)
    assert explain([manifest(pod())]) == 2
    assert "expected to be done in -1 s: explain it in parts" in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_output_fits_the_terminal(
    width: int, manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 60 columns on."""
    monkeypatch.setenv("COLUMNS", str(width))
    hook = {"preStop": {"exec": {"command": ["drain"]}}}
    document = pod(**{**GOOD, "livenessProbe": DEAD, "lifecycle": hook})
    explain([manifest(document, {"kind": "Secret"}), "--tcp-probe"])
    lines = capsys.readouterr().out.splitlines()
    assert width * 0.7 < max(map(len, lines)) <= width


def test_there_is_no_colour_but_on_a_terminal(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none there where NO_COLOR is set."""
    file = manifest(pod(livenessProbe=DEAD))
    explain([file])
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    explain([file])
    assert "\x1b[1;31merror: named-port" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    explain([file])
    assert "\x1b[31m" not in capsys.readouterr().out.replace("1;31", "31")


def test_nothing_in_a_manifest_moves_the_cursor(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """A name is shown, not obeyed, and cut where it is long."""
    document = pod(**{**GOOD, "x\x1b[31m\n" + "y" * 500: 1, "image": "é\u202e"})
    document["metadata"]["name"] = "\x1b[2J" + "z" * 500
    assert explain([manifest(document, *[{"kind": "A\x1b"}] * 12)]) == 1
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\\x1b[2Jzzz" in output
    assert "A\\x1b a\\x1b and 2 more" in " ".join(output.split())
    assert max(map(len, output.splitlines())) <= 200


def test_the_help_gives_each_exit_status_with_an_example(capsys: Output) -> None:
    """And how to explain what Helm or Argo make of it."""
    assert explain(["--help"]) == 0
    output = capsys.readouterr().out
    for text in ("  0  no error was found", "  1  one was", "  2  it cannot be read"):
        assert text in output
    assert "helm template CHART | tcp-probe explain -" in output
    assert "--template spec.template" in output
