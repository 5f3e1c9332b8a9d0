from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.workload import load

Manifest = Callable[..., str]

POD = """\
kind: Pod
metadata: {name: worker}
spec:
  restartPolicy: Always
  containers:
  - name: worker
    ports: [{name: live, containerPort: 9090}]
    livenessProbe:
      tcpSocket: {port: live}
      periodSeconds: 10
"""
PROBE = "spec.containers[0].livenessProbe"


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        (POD, "", None, "expected a Pod, .* or a List of them, found nothing"),
        (POD, "[1, 2]", 1, "expected a mapping, got a list"),
        (POD, "worker", 1, "expected a mapping, got 'worker'"),
        (POD, "kind: [", 2, "expected YAML or JSON, but: "),
        (POD, '{"kind": "Pod",}', 1, "expected a field 'spec', which is missing"),
        (POD, "\tkind: Pod", 1, "expected spaces before what stands there, got a tab"),
        (POD, "kind: Pod\rmetadata:\r  \tname: x", 3, "got a tab"),
        (POD, "kind: [\r", 2, "expected YAML or JSON, but: "),
        (POD, "kind: @pod", 1, "expected YAML or JSON, but: found character"),
        (POD, "kind: Pod\x07", 1, "expected YAML or JSON, but: .* characters"),
        (POD, "a: 1\nkind: &x [*x]", 2, "expected no alias .x inside"),
        (POD, "kind: !secret x", 1, "expected no tag, got '!secret'"),
        (POD, "kind: !!int x", 1, "expected int, got 'x'"),
        (POD, "1: x", 1, "expected a field 'kind'"),
        (POD, "a: {}\n? [x]\n: y", 2, "expected text as the name of a field, got a list"),
        (POD, "kind: Pod\nkind: Job", 2, "'kind' is given twice"),
        (POD, "kind: ConfigMap", None, "expected a Pod, .* found ConfigMap"),
        (POD, "kind: Deployment\nspec: {}", 2, "spec: expected a field 'template'"),
        (POD, "spec: {}", 1, "expected a field 'kind', which is missing"),
        (POD, "kind: 3", 1, "kind: expected text, got 3"),
        (POD, "kind: List\nitems: 3", 2, "items: expected a list, got 3"),
        ("  containers:", "  contaners:", 3, "spec: expected a field 'containers'"),
        ("  - name: worker", "  - image: x", 6, "expected a field 'name', which is missing"),
        ("name: worker\n", "name: [a]\n", 6, "expected text, got a list"),
        ("name: worker\n", "name: {}\n", 6, "expected text, got a mapping"),
        ("Always", "Sometimes", 4, "expected Always or OnFailure or Never, got 'Sometimes'"),
        ("tcpSocket: {port: live}", "tcpSocket: {port: dead}", 9, "got 'dead'"),
        ("tcpSocket: {port: live}", "httpGet: {port: dead}", 9, "got 'dead'"),
        ("tcpSocket: {port: live}", "tcpSocket: {port: 0}", 9, "from 1 to 65535, got 0"),
        ("tcpSocket: {port: live}", "tcpSocket: {port: 70000}", 9, "from 1 to 65535, got 70000"),
        ("tcpSocket: {port: live}", "tcpSocket: {port: true}", 9, "number .* got true"),
        ("tcpSocket: {port: live}", "tcpSocket: {}", 9, "expected a field 'port'"),
        ("tcpSocket: {port: live}", "tcpSocket: 9090", 9, "expected a mapping, got 9090"),
        ("tcpSocket: {port: live}", "grpc: {port: live}", 9, "a whole number .*, got 'live'"),
        ("tcpSocket: {port: live}", "exec: {command: []}", 9, "command, got an empty list"),
        ("tcpSocket: {port: live}", "exec: {command: [1]}", 9, "command\\[0\\]: expected text"),
        ("tcpSocket: {port: live}", "exec: {command: [~]}", 9, "expected text, got nothing"),
        ("tcpSocket: {port: live}", "exec: {command: ls}", 9, "expected a list, got 'ls'"),
        (
            "tcpSocket: {port: live}",
            "httpGet: {port: 1, scheme: FTP}",
            9,
            "expected HTTP or HTTPS, got 'FTP'",
        ),
        ("      tcpSocket: {port: live}\n", "", 8, "expected one of tcpSocket, .* got none"),
        (
            "tcpSocket: {port: live}",
            "tcpSocket: {port: live}\n      exec: {command: [a]}",
            8,
            "got tcpSocket and exec",
        ),
        ("periodSeconds: 10", "periodSeconds: -1", 10, "from 0 to .*, got -1"),
        ("periodSeconds: 10", "periodSeconds: ten", 10, "a whole number .*, got 'ten'"),
        ("periodSeconds: 10", "periodSeconds: 1.5", 10, "a whole number .*, got 1.5"),
        ("periodSeconds: 10", "timeoutSeconds: -1", 10, "from 0 to .*, got -1"),
        ("periodSeconds: 10", "initialDelaySeconds: -1", 10, "from 0 to .*, got -1"),
        ("periodSeconds: 10", "failureThreshold: -1", 10, "from 0 to .*, got -1"),
        ("periodSeconds: 10", "successThreshold: 2", 10, "from 0 to 1, got 2"),
        ("periodSeconds: 10", "terminationGracePeriodSeconds: 0", 10, "from 1 to .*, got 0"),
        (
            "livenessProbe:\n      tcpSocket: {port: live}\n      periodSeconds: 10",
            "readinessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 5}",
            8,
            "only in a liveness or startup probe",
        ),
        ("name: worker\n", "name: worker\n    lifecycle: {preStop: {}}\n", 7, "got none"),
        ("containerPort: 9090", "hostPort: 9090", 7, "expected a field 'containerPort'"),
        (
            "kind: Pod\nmetadata: {name: worker}\nspec:\n",
            "kind: Job\nspec: {template: {spec: {containers: [{name: a}]}}}\nx:\n",
            2,
            "expected a restartPolicy of OnFailure or Never in a Job",
        ),
        ("name: live,", "name: 5,", 7, "name: expected text, got 5"),
        (
            "spec:\n  restartPolicy: Always\n  containers:",
            "spec:\n  containers: []\n  x:",
            4,
            "one",
        ),
        ("restartPolicy: Always", "shareProcessNamespace: 1", 4, "expected true or false, got 1"),
    ],
)
def test_a_bad_manifest_is_told_with_its_line(
    old: str, new: str, line: int | None, problem: str, manifest: Manifest
) -> None:
    """The file, the line, and what was expected there."""
    assert old in POD
    file = manifest(POD.replace(old, new))
    with pytest.raises(ManifestError, match=problem) as caught:
        load(file)
    assert caught.value.line == line
    place = file if line is None else f"{file}:{line}"
    assert str(caught.value).startswith(f"{place}: ")
    assert caught.value.source == file
    assert caught.value.problem in str(caught.value)


def test_a_field_is_told_with_its_path(manifest: Manifest) -> None:
    """So that it is found in a long manifest."""
    file = manifest(POD.replace("periodSeconds: 10", "periodSeconds: -1"))
    with pytest.raises(ManifestError) as caught:
        load(file)
    assert str(caught.value) == (
        f"{file}:10: {PROBE}.periodSeconds: expected a whole number from 0 to 2147483647, got -1"
    )


@pytest.mark.parametrize("name", ["none.yaml", ""])
def test_a_file_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    """There may be none, or a folder instead."""
    with pytest.raises(ManifestError, match=r"expected a readable file, but: (no such|is a)"):
        load(str(tmp_path / name))


def test_what_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    """A manifest is UTF-8."""
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"kind: Pod\nname: \xff\xfe\n")
    with pytest.raises(ManifestError, match=r":2: expected UTF-8 text, got other bytes"):
        load(str(path))


def test_a_container_that_is_not_there_is_told(manifest: Manifest) -> None:
    """With the names of those that are."""
    with pytest.raises(ManifestError, match="expected a container 'web', found worker/worker"):
        load(manifest(POD), "web")


VALUES = [
    "",
    "3",
    "-1",
    "1e400",
    "true",
    "x",
    "[]",
    "[1, {a: b}]",
    "{}",
    "{port: [1]}",
    "!x y",
    "~",
    "'",
]
anything = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@anything
@given(line=st.integers(0, POD.count("\n") - 1), value=st.sampled_from(VALUES), data=st.data())
def test_whatever_is_mistyped_there_is_no_traceback(
    line: int, value: str, data: st.DataObject, manifest: Manifest
) -> None:
    """Any other value, key or indentation is either understood or told."""
    lines = POD.splitlines()
    key, _, _ = lines[line].partition(":")
    lines[line] = data.draw(
        st.sampled_from([f"{key}: {value}", f"{key}x: {value}", lines[line][2:], "", value])
    )
    try:
        load(manifest("\n".join(lines)))
    except ManifestError as error:
        assert "expected" in str(error) or "given twice" in str(error)


@anything
@given(st.text(max_size=40))
def test_any_text_at_all_gives_no_traceback(manifest: Manifest, text: str) -> None:
    """It is simply no manifest."""
    with pytest.raises(ManifestError):
        load(manifest(text))
