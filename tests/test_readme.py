from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)

JOBS = """
async def jobs():
    yield "job"

async def handle(job):
    print(job)
"""
PLAIN_JOBS = """
def jobs():
    yield "job"

def handle(job):
    print(job)
"""


def block_with(text: str) -> str:
    (block,) = [block for block in BLOCKS if text in block]
    return str(block).replace("9090", "0")  # another port, since another process may have that one


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_python(block: str) -> None:
    """Each Python block of the README compiles, with `await` where a worker would have it."""
    compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize(
    ("jobs", "text"), [(JOBS, "anyio.run(main)"), (PLAIN_JOBS, "start_blocking_portal")]
)
def test_the_recipes_run(jobs: str, text: str) -> None:
    """The first example and the one for workers without an event loop do their job and end."""
    code = jobs + block_with(text)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "job\n"
    assert done.stderr == ""


def test_the_first_example_is_short() -> None:
    """The first example has at most 12 lines."""
    assert len(BLOCKS[0].splitlines()) <= 12


def test_every_test_says_what_must_hold() -> None:
    """Every test has a docstring of one sentence."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith(
                "test_"
            ):
                assert (ast.get_docstring(node) or "").endswith("."), f"{path.name}: {node.name}"
