from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

KINDS_WITH_PODS = {"Deployment", "Pod"}


@pytest.mark.parametrize(
    "folder", ["base", "minimal", "overlays/private-registry", "lab", "lab/http"]
)
def test_every_pod_is_restricted(
    folder: str, rendered: Callable[[str], list[dict[str, Any]]]
) -> None:
    """Every pod meets the standard `restricted`, and has a read-only root and no token."""
    pods = [each for each in rendered(folder) if each["kind"] in KINDS_WITH_PODS]
    assert pods
    for pod in pods:
        spec = pod["spec"] if pod["kind"] == "Pod" else pod["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any("hostPath" in volume for volume in spec.get("volumes", []))
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
