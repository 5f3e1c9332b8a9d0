from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

PATIENCE = 20.0
Manifest = Callable[..., str]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Write documents, as text or as values, to a file and return its name."""

    def manifest(*documents: Any) -> str:
        path = tmp_path / "worker.yaml"
        texts = [each if isinstance(each, str) else yaml.safe_dump(each) for each in documents]
        path.write_text("---\n".join(texts), encoding="utf-8")
        return str(path)

    return manifest


@pytest.fixture
def pod() -> Callable[..., dict[str, Any]]:
    """Make a Pod with one container that has these fields, and a spec that has those."""

    def pod(spec: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        container = {"name": "worker", "image": "worker", **fields}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "worker"},
            "spec": {**(spec or {}), "containers": [container]},
        }

    return pod


@pytest.fixture
def wait_until_ended() -> Callable[..., None]:
    """Wait until none of some processes runs; one that nobody has asked after may stay a zombie."""

    def runs(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def wait_until_ended(*processes: psutil.Process) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(map(runs, processes)):
            assert time.monotonic() < deadline, processes
            time.sleep(0.01)

    return wait_until_ended
