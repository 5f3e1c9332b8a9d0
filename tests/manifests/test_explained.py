from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings

MANIFESTS = Path(__file__).parents[2] / "manifests"
CLEAN_END = 21  # s; the worst case that the worker documents
LAB = sorted(
    path.stem for path in MANIFESTS.glob("lab/*.yaml") if path.name != "kustomization.yaml"
)
explained = partial(explain, container=None, settings=Settings(clean_end=CLEAN_END))


@pytest.mark.parametrize("folder", ["base", "minimal", "overlays/private-registry"])
def test_nothing_is_found_in_what_is_deployed(
    folder: str, rendered: Callable[[str], list[dict[str, Any]]], tmp_path: Path
) -> None:
    """`explain` finds nothing, not even with the longest time that the worker takes to end."""
    manifest = tmp_path / "rendered.yaml"
    manifest.write_text(yaml.safe_dump_all(rendered(folder)), encoding="utf-8")
    explanation = explained(str(manifest))
    [container] = explanation.containers
    assert container.choice.kind == "Deployment"
    assert container.uses_tcp_probe
    assert explanation.findings == []


def test_the_figures_of_the_base_are_those_of_its_comments() -> None:
    """A start may take 58 s, and SIGTERM comes 20 to 31 s after the port refuses."""
    [told] = explained(str(MANIFESTS / "base" / "deployment.yaml")).as_dict()["containers"]
    assert told["start"]["least"] == 58
    assert told["refuses"]["sigterm"] == {"least": 20, "most": 31}


@pytest.mark.parametrize("name", LAB)
def test_the_lab_has_one_wrong_port(name: str) -> None:
    """No Pod of the lab has an error, and only one has a port that is none of its own."""
    explanation = explained(str(MANIFESTS / "lab" / f"{name}.yaml"))
    assert explanation.exit_status(strict=False) == 0
    rules = [finding.rule for finding in explanation.findings]
    assert ("undeclared-port" in rules) == (name == "wrong-port")
