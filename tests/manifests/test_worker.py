from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from settings import Settings

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "examples" / "claude_worker.py"
NEEDED = 270  # MiB: the CLI about 200, Python with the SDK 70
Documents = list[dict[str, Any]]
FOLDERS = ["base", "minimal", "overlays/private-registry"]


@pytest.fixture(params=FOLDERS)
def documents(request: pytest.FixtureRequest, rendered: Callable[[str], Documents]) -> Documents:
    return rendered(request.param)


@pytest.fixture
def spec(documents: Documents) -> dict[str, Any]:
    """Find the spec of the pods that the Deployment makes."""
    (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(spec: dict[str, Any]) -> dict[str, Any]:
    (container,) = spec["containers"]
    found: dict[str, Any] = container
    return found


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def ports(container: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container["ports"]}


def probes(container: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: probe for name, probe in container.items() if name.endswith("Probe")}


def test_the_worker_listens_where_the_probes_ask(container: dict[str, Any]) -> None:
    """Each port has the number that the worker reads, and each probe asks the port it is for."""
    settings = Settings.from_environment(environment(container))
    read = {"liveness": settings.liveness_port, "readiness": settings.readiness_port}
    declared = ports(container)
    assert declared == {name: read[name] for name in declared}
    asked = {name: probe["tcpSocket"]["port"] for name, probe in probes(container).items()}
    assert asked["livenessProbe"] == "liveness"
    assert asked.get("startupProbe", "liveness") == "liveness"
    assert asked.get("readinessProbe", "readiness") == "readiness"


def test_the_documented_ports_are_used(container: dict[str, Any]) -> None:
    """The ports are those of a worker whose environment says nothing."""
    settings = Settings.from_environment({})
    assert ports(container).get("liveness") == settings.liveness_port
    assert ports(container).get("readiness", settings.readiness_port) == settings.readiness_port


def test_every_variable_is_one_that_the_worker_or_its_cli_reads(container: dict[str, Any]) -> None:
    """No variable is misspelt: the worker documents it, or it is for the CLI."""
    documented = ast.get_docstring(ast.parse(WORKER.read_text(encoding="utf-8"))) or ""
    for_the_cli = {"DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "HOME"}
    for name in {each["name"] for each in container["env"]} - for_the_cli:
        assert re.search(rf"\b{name}\b", documented), name


def test_the_grace_periods_let_the_worker_end_cleanly(
    spec: dict[str, Any], container: dict[str, Any]
) -> None:
    """Every grace period is longer than the worker documents as the worst case."""
    documented = ast.get_docstring(ast.parse(WORKER.read_text(encoding="utf-8"))) or ""
    found = re.search(r"after (\d+) s at worst", documented)
    assert found
    field = "terminationGracePeriodSeconds"
    graces = [spec.get(field, 30)]
    graces += [probe[field] for probe in probes(container).values() if field in probe]
    assert min(graces) > int(found[1])


def test_what_the_worker_writes_is_on_a_volume(
    spec: dict[str, Any], container: dict[str, Any]
) -> None:
    """The root is read-only; spool, HOME and /tmp are on volumes that can be written."""
    assert container["securityContext"]["readOnlyRootFilesystem"]
    volumes = {volume["name"] for volume in spec["volumes"]}
    mounts = [
        Path(mount["mountPath"])
        for mount in container["volumeMounts"]
        if mount["name"] in volumes and not mount.get("readOnly")
    ]
    variables = environment(container)
    for path in (variables["SPOOL"], variables["HOME"], "/tmp"):  # noqa: S108 - the container's
        assert any(Path(path).is_relative_to(mount) for mount in mounts), path


def test_there_is_memory_for_the_cli(container: dict[str, Any]) -> None:
    """Request and limit have room for the CLI and Python together."""
    resources = container["resources"]
    for amount in (resources["requests"]["memory"], resources["limits"]["memory"]):
        number, unit = amount[:-2], amount[-2:]
        assert unit == "Mi"
        assert int(number) >= NEEDED


def test_one_worker_has_a_spool(documents: Documents) -> None:
    """A second worker never starts beside the first."""
    (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
    assert deployment["spec"].get("replicas", 1) == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    for claim in [each for each in documents if each["kind"] == "PersistentVolumeClaim"]:
        assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


@pytest.mark.parametrize("documents", ["base", "overlays/private-registry"], indirect=True)
def test_nobody_may_connect_to_the_worker(documents: Documents) -> None:
    """The NetworkPolicy selects the pods of the Deployment, and them alone, and lets nobody in."""
    kinds = {document["kind"]: document for document in documents}
    policy = kinds["NetworkPolicy"]["spec"]
    labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert policy == {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress"],
        "ingress": [],
    }


def test_no_key_is_in_the_manifests(documents: Documents, container: dict[str, Any]) -> None:
    """The API key comes from a Secret that is made apart."""
    assert "Secret" not in {document["kind"] for document in documents}
    variables = {each["name"]: each for each in container["env"]}
    key = variables.get("ANTHROPIC_API_KEY")
    references = [source["secretRef"]["name"] for source in container.get("envFrom", [])]
    references += [key["valueFrom"]["secretKeyRef"]["name"]] if key else []
    assert references == ["anthropic"]


@pytest.mark.parametrize("documents", ["overlays/private-registry"], indirect=True)
def test_the_overlay_changes_the_image_and_how_it_is_pulled(
    documents: Documents, rendered: Callable[[str], Documents]
) -> None:
    """But for the registry and its pull secret, the overlay is the base."""
    (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "registry.example.com/team/claude-worker:0.1.0"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    same = {key: value for key, value in spec.items() if key != "imagePullSecrets"}
    same["containers"] = [{**container, "image": "claude-worker:0.1.0"}]
    template = {**deployment["spec"]["template"], "spec": same}
    undone = {**deployment, "spec": {**deployment["spec"], "template": template}}
    others = [each for each in documents if each is not deployment]
    assert [*others, undone] == sorted(
        rendered("base"), key=lambda each: each["kind"] == "Deployment"
    )
