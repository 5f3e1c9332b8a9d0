from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import containers, resources
from tcp_probe.manifest.schema import NEWEST, OLDEST, TABLES, check_fields, table

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]


def minor(version: str) -> int:
    return int(version.split(".")[1])


VERSIONS = [
    version
    for version in range(minor(OLDEST), minor(NEWEST) + 1)
    if (SCHEMAS / f"v1.{version}.0-local-strict").is_dir()
]


@cache
def definitions(version: int) -> dict[str, Any]:
    file = SCHEMAS / f"v1.{version}.0-local-strict" / "_definitions.json"
    found: dict[str, Any] = json.loads(file.read_text())["$defs"]
    return found


def published(name: str, version: int) -> dict[str, str]:
    """Return the fields of a part of a pod as Kubernetes publishes them, in the table's words."""
    definition = definitions(version).get(f"io.k8s.api.core.v1.{name}", {"properties": {}})
    return {field: kind(about) for field, about in definition["properties"].items()}


def kind(about: dict[str, Any]) -> str:
    if "$ref" in about:
        name = about["$ref"].rpartition(".")[2]
        return "port" if name == "IntOrString" else name if name in TABLES else "mapping"
    types = about["type"] if isinstance(about["type"], list) else [about["type"]]
    if "array" in types:
        item = kind(about["items"])
        return f"[{item if item in (*TABLES, 'text') else 'any'}]"
    names = {"integer": "integer", "boolean": "boolean", "string": "text", "object": "mapping"}
    return names[types[0]]


def test_the_published_schemas_are_there() -> None:
    """The tests below compare with several versions."""
    assert len(VERSIONS) >= 3


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_that_kubernetes_publishes(name: str) -> None:
    """In every version the fields, their types, and since when they exist are the same.

    A field that a newer version has dropped again is not in the tables.
    """
    known = table(name)
    for version in VERSIONS[:: len(VERSIONS) - 1] + VERSIONS[-5:-1]:
        current = published(name, VERSIONS[-1])
        assert {
            field: each for field, (each, since) in known.items() if minor(since) <= version
        } == {field: each for field, each in published(name, version).items() if field in current}


def found(file: str) -> list[Finding]:
    return list(check_fields(containers(resources(file))[0].pod.need("spec"), "PodSpec"))


def test_a_manifest_without_mistakes_has_no_findings(manifest: Manifest, pod: Pod) -> None:
    """Whatever kind of value a field takes."""
    file = manifest(
        pod(
            {"hostNetwork": False, "volumes": [{"name": "spool"}], "nodeSelector": {"a": "b"}},
            livenessProbe={"tcpSocket": {"port": "live"}, "periodSeconds": 10, "exec": None},
            ports=[{"name": "live", "containerPort": 9090}],
            env=[{"name": "A", "value": "b"}],
            resources={"limits": {"cpu": 1}},
        )
    )
    assert found(file) == []


def test_an_unknown_field_is_found_with_the_one_that_was_meant(
    manifest: Manifest, pod: Pod
) -> None:
    """The line and the path are told, and the closest name that exists."""
    probe = {"tcpSocket": {"port": 1}, "periodSecond": 5}
    [finding] = found(manifest(pod(livenessProbe=probe)))
    assert finding.rule == "unknown-field"
    assert finding.level == "error"
    assert finding.field == "spec.containers[0].livenessProbe.periodSecond"
    assert finding.line == 9
    assert "1.25 to 1.37" in finding.reason
    assert finding.fix == "write periodSeconds"


def test_an_unknown_field_that_resembles_none_is_found(manifest: Manifest, pod: Pod) -> None:
    """Then it cannot be told what was meant."""
    [finding] = found(manifest(pod(zzz=1)))
    assert finding.fix == "remove it, or move it to where it belongs"


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"livenessProbe": {"periodSeconds": "10"}}, "livenessProbe.periodSeconds", "whole number"),
        ({"livenessProbe": {"periodSeconds": True}}, "livenessProbe.periodSeconds", "whole number"),
        ({"livenessProbe": 3}, "livenessProbe", "expected a mapping, got 3"),
        ({"livenessProbe": {"tcpSocket": {"port": 1.5}}}, "livenessProbe.tcpSocket.port", "name"),
        ({"command": "run"}, "command", "expected a list, got 'run'"),
        ({"command": [1]}, "command[0]", "expected text, got 1"),
        ({"ports": [3]}, "ports[0]", "expected a mapping, got 3"),
        ({"resources": []}, "resources", "expected a mapping, got a list"),
        ({"tty": "yes"}, "tty", "expected true or false, got 'yes'"),
        ({"tty": 1}, "tty", "expected true or false, got 1"),
        ({"workingDir": False}, "workingDir", "expected text, got false"),
    ],
)
def test_a_wrong_type_is_found(
    fields: dict[str, Any], path: str, reason: str, manifest: Manifest, pod: Pod
) -> None:
    """With what was given and what was expected."""
    [finding] = found(manifest(pod(**fields)))
    assert (finding.rule, finding.level) == ("wrong-type", "error")
    assert finding.field == f"spec.containers[0].{path}"
    assert reason in finding.reason
    assert finding.fix.startswith("write ")


def test_a_field_that_only_newer_versions_have_is_found(manifest: Manifest, pod: Pod) -> None:
    """With the version that brought it."""
    hook = {"preStop": {"sleep": {"seconds": 3}}}
    findings = found(manifest(pod(lifecycle=hook)))
    assert {finding.rule for finding in findings} == {"newer-field"}
    assert {finding.level for finding in findings} == {"info"}
    assert "from 1.29 on" in findings[0].reason
    assert "1.29 or later" in findings[0].fix
