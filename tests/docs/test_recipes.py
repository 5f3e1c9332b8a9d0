from __future__ import annotations

from pages import ROOT, blocks

RECIPES = [
    path for path in sorted((ROOT / "examples/frameworks").glob("*.py")) if path.name != "jobs.py"
]


def test_the_recipes_are_printed_as_they_are_tested() -> None:
    """Each recipe for a framework stands in the docs as the file that tests/frameworks runs."""
    printed = sorted(block.code for block in blocks("py"))
    assert printed == sorted(path.read_text(encoding="utf-8") for path in RECIPES)
