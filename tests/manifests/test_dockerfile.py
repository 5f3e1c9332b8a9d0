from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "manifests" / "Dockerfile"


@pytest.fixture
def instructions() -> dict[str, str]:
    """Read the last stage: each kind of instruction, of several the last."""
    parser = DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes()))
    found: dict[str, str] = {}
    for each in parser.structure:
        if each["instruction"] == "FROM":
            found = {}
        found[each["instruction"]] = each["value"]
    return found


@pytest.mark.parametrize("path", ["Dockerfile", "lab/http/Dockerfile"])
def test_the_linter_finds_nothing(path: str, hadolint: str) -> None:
    """Hadolint, with all its rules, has nothing to say."""
    done = subprocess.run(
        [hadolint, "--no-color", str(ROOT / "manifests" / path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    assert done.returncode == 0


def test_the_image_fits_the_base(
    instructions: dict[str, str], rendered: Callable[[str], list[dict[str, Any]]]
) -> None:
    """User and ports are those of the Deployment."""
    (deployment,) = [each for each in rendered("base") if each["kind"] == "Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    context = spec["securityContext"]
    assert instructions["USER"] == f"{context['runAsUser']}:{context['runAsGroup']}"
    ports = [str(port["containerPort"]) for port in spec["containers"][0]["ports"]]
    assert instructions["EXPOSE"].split() == ports


def test_the_worker_is_pid_1(instructions: dict[str, str]) -> None:
    """The command is the worker itself, as a list: a shell would keep SIGTERM from it."""
    command = json.loads(instructions["CMD"])
    assert command == ["python", "examples/claude_worker.py"]
    assert (ROOT / command[1]).is_file()
    assert "ENTRYPOINT" not in instructions


def test_every_stage_has_one_base(instructions: dict[str, str]) -> None:
    """The environment is built on the image that it then runs on."""
    parser = DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes()))
    assert len(set(parser.parent_images)) == 1
    assert instructions["COPY"] == "examples examples"
