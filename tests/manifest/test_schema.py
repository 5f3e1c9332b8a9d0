from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import KINDS, containers, resources
from tcp_probe.manifest.schema import NEWEST, OLDEST, TABLE, check_fields, table

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
# The groups in which the parts of a workload are.
GROUPS = ("api.core.v1", "api.apps.v1", "api.batch.v1", "pkg.apis.meta.v1")
# These are looked at as what they are in JSON; what only the cluster writes is not looked into.
OTHERS = {
    "IntOrString": "port",
    "Quantity": "quantity",
    "Time": "text",
    "MicroTime": "text",
    "ManagedFieldsEntry": "mapping",
}
SCALARS = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "string": "text",
    "object": "mapping",
}
WIDTH = 100
Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Parts = dict[str, dict[str, Any]]


@cache
def published(version: int) -> Parts:
    """Return the parts of a workload as Kubernetes publishes them."""
    file = SCHEMAS / f"v1.{version}.0-local-strict" / "_definitions.json"
    definitions = json.loads(file.read_text(encoding="utf-8"))["$defs"]
    return {
        name.rpartition(".")[2]: definition
        for name, definition in definitions.items()
        if name.rpartition(".")[0].endswith(GROUPS)
    }


def kind(about: dict[str, Any]) -> str:
    """Name a type in the table's words."""
    if "$ref" in about:
        name: str = about["$ref"].rpartition(".")[2]
        known = "properties" in published(NEWEST).get(name, {})
        return OTHERS.get(name) or (name if known and not name.endswith("Status") else "mapping")
    types = about["type"] if isinstance(about["type"], list) else [about["type"]]
    if "array" in types:
        return f"[{kind(about['items'])}]"
    if isinstance(about.get("additionalProperties"), dict):
        return f"{{{kind(about['additionalProperties'])}}}"
    return SCALARS[types[0]]


def row(name: str) -> list[str]:
    """Write the fields of a part, each with the version that brought it."""
    definition = published(NEWEST)[name]
    fields = []
    for field, about in sorted(definition["properties"].items()):
        since = next(
            version
            for version in range(OLDEST, NEWEST + 1)
            if field in published(version).get(name, {}).get("properties", {})
        )
        required = "!" if field in definition.get("required", []) else ""
        brought = f" 1.{since}" if since > OLDEST else ""
        fields.append(f"{field}{required} {kind(about)}{brought}")
    return fields


def written() -> str:
    """Write the whole table, one part after another."""
    rows: dict[str, list[str]] = {}
    waiting = sorted(KINDS)
    while waiting:
        name = waiting.pop()
        if name not in rows:
            rows[name] = row(name)
            used = (field.split()[1].strip("[]{}") for field in rows[name])
            waiting += [each for each in used if each[0].isupper()]
    lines = []
    for name, fields in sorted(rows.items()):
        # A field is not broken from its type.
        whole = ", ".join(field.replace(" ", "\0") for field in fields)
        indent = "    "
        wrapped = textwrap.wrap(whole, WIDTH, initial_indent=indent, subsequent_indent=indent)
        lines += [name, *(line.replace("\0", " ") for line in wrapped)]
    return "\n".join(lines) + "\n"


def test_the_table_is_what_kubernetes_publishes() -> None:
    """In every version: fields, types, which have to be there, and since when they exist.

    To write it anew, for a new version, run this file.
    """
    assert TABLE.read_text(encoding="utf-8") == written()


def test_a_type_that_changed_is_none_that_is_looked_at() -> None:
    """But for a volume claim, a field has had the same type ever since it exists."""
    changed = {
        (name, field)
        for name, fields in table().items()
        for field, (known, _, since) in fields.items()
        for version in range(since, NEWEST + 1)
        if (about := published(version)[name]["properties"].get(field)) and kind(about) != known
    }
    assert changed == {
        ("PersistentVolumeClaimSpec", "dataSourceRef"),
        ("PersistentVolumeClaimSpec", "resources"),
    }


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


if __name__ == "__main__":
    TABLE.write_text(written(), encoding="utf-8")
