from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.worker_kind import uses_tcp_probe
from tcp_probe.manifest.pods import containers, resources
from tcp_probe.manifest.workload import workload

Pod = Callable[..., dict[str, Any]]


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
