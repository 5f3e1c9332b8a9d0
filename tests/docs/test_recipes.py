from __future__ import annotations

import re

from pages import PAGES, ROOT, blocks

RECIPES = [
    path for path in sorted((ROOT / "examples/frameworks").glob("*.py")) if path.name != "jobs.py"
]


def test_the_recipes_are_printed_as_they_are_tested() -> None:
    """Each recipe for a framework stands in the docs as the file that tests/frameworks runs."""
    printed = sorted(block.code for block in blocks("py"))
    assert printed == sorted(path.read_text(encoding="utf-8") for path in RECIPES)


def test_no_block_of_code_is_left_out() -> None:
    """Each block is in a language that a test here runs or checks, or is output (`text`)."""
    fences = re.compile(r"^ *```(\w*)[^\n]*\n.*?^ *```$", re.DOTALL | re.MULTILINE)
    for page in PAGES:
        for language in fences.findall(page.read_text(encoding="utf-8")):
            known = {"bash", "dockerfile", "py", "python", "text", "yaml"}
            # The benchmarks' page shows commands that take minutes.
            assert language in known or page.parent.name == "benchmarks", page


def test_the_dockerfiles_in_the_docs_are_sound() -> None:
    """Each instruction is one that Docker knows, and the first chooses an image with a tag."""
    for block in blocks("dockerfile"):
        instructions = [line.split()[0] for line in block.code.splitlines() if line.strip()]
        assert set(instructions) <= {"CMD", "COPY", "FROM", "RUN", "USER", "WORKDIR"}
        assert re.match(r"FROM \S+:\S+\n", block.code)
