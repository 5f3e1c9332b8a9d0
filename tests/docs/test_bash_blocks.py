from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks

DEADLINE = 90  # s
OURS = ("python -m tcp_probe", "tcp-probe", "sed ")
# Why a command is parsed, and its paths are looked for, but it is not run.
NOT_RUN = {
    "aws": "needs an account",
    "cd": "see the tutorial's own test",
    "docker": "needs a daemon and downloads",
    "kind": "needs Docker",
    "kubectl": "needs a cluster",
    "mkdir": "see the tutorial's own test",
    "pip": "downloads",
    "python -m benchmarks": "takes minutes; the benchmarks have tests of their own",
    "python3 -m venv": "downloads; these commands are tried in a fresh clone",
    "read": "asks",
    "tcp-probe why": "needs a cluster; tests/why runs it on recordings of one",
}
IN_THE_TUTORIAL = "docs/tutorial.md"


def commands(code: str) -> Iterator[str]:
    """Split into commands: a line, or as many as bash needs to see an end."""
    lines: list[str] = []
    for line in code.splitlines():
        lines.append(line)
        text = "\n".join(lines)
        if not text.strip():
            lines = []
            continue
        open_end = re.search(r"(\\|\||&&)$", re.sub(r"\s+#.*", "", line).rstrip())
        parsed = subprocess.run(["bash", "-n", "-c", text], capture_output=True, check=False)  # noqa: S607
        if parsed.returncode == 0 and not open_end:
            yield text
            lines = []
    assert not lines, f"bash sees no end: {lines}"


BASH = blocks("bash")
COMMANDS = [(block, command) for block in BASH for command in commands(block.code)]
RUN = [
    pytest.param(block, command, id=f"{block.place}-{command[:60]}")
    for block, command in COMMANDS
    if command.startswith(OURS)
    and not command.startswith(tuple(NOT_RUN))
    and not block.place.startswith(IN_THE_TUTORIAL)
]


@pytest.fixture
def tree(tmp_path: Path, elsewhere: Callable[[str], str]) -> Path:
    """Copy what the commands read, with other ports."""
    for name in ("examples", "manifests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in [*tmp_path.rglob("*.yaml"), *tmp_path.rglob("*.py")]:
        path.write_text(elsewhere(path.read_text(encoding="utf-8")), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", BASH, ids=lambda block: block.place)
def test_bash_parses_it(block: Block) -> None:
    """Every command is one of ours, which runs below, or one with a reason not to."""
    for command in commands(block.code):
        assert command.startswith((*OURS, *NOT_RUN)), command


@pytest.mark.parametrize("block", BASH, ids=lambda block: block.place)
def test_every_path_in_a_command_exists(block: Block) -> None:
    """A file of this repository that a command names is there."""
    for word in shlex.split(block.code, comments=True):
        if word.startswith(("manifests/", "examples/", "docs/", "tests/", "benchmarks/")):
            assert (ROOT / word).exists(), word


@pytest.mark.parametrize(("block", "command"), RUN)
def test_a_command_of_ours_does_what_it_says(
    block: Block, command: str, tree: Path, elsewhere: Callable[[str], str]
) -> None:
    """It runs, writes no traceback, and its exit status is no complaint about its arguments."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if "rehearse" in command and "--for" not in command and "--virtual" not in command:
        command = command.replace(".yaml", ".yaml --for 5", 1)  # else it ends at ^C
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", elsewhere(command)],  # noqa: S607
        cwd=tree,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout


def test_the_two_set_up_commands_are_where_others_look_for_them() -> None:
    """The README has the quick start and the tests as blocks that begin with these words."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("quick-start", "tests"):
        assert len(re.findall(rf"^```bash {name}\npython3 -m venv", readme, re.MULTILINE)) == 1
