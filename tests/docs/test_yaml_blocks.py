from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate  # type: ignore[import-untyped]
from kubernetes_validate.utils import all_versions  # type: ignore[import-untyped]
from pages import Block, blocks

from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings

NEWEST = all_versions()[-1]
WITHOUT_PROBES = {"Service", "ServiceAccount"}


@cache
def as_documents(code: str) -> list[dict[str, Any]]:
    """Read the documents; fields of a container alone are put into a Pod."""
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(code))
    if "kind" in documents[0]:
        return documents
    container = {"name": "worker", "image": "worker", **documents[0]}
    # A port that is probed in the page's other block is declared there.
    container.setdefault("ports", [{"name": "liveness", "containerPort": 9090}])
    spec = {"containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker"}, "spec": spec}
    return [pod]


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.place)
def test_a_yaml_block_is_right(block: Block, manifest: Callable[..., str]) -> None:
    """Kubernetes knows every field of it, and `explain` finds nothing that is worth a change."""
    for document in as_documents(block.code):
        validate(document, NEWEST, strict=True)
        if document["kind"] not in WITHOUT_PROBES:
            explanation = explain(manifest(document), None, Settings(clean_end=11))
            assert [finding for finding in explanation.findings if finding.level != "info"] == []
