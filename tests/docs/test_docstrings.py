from __future__ import annotations

import ast
import re

from pages import ROOT

# A full stop within it is part of a name or a number.
SENTENCE = re.compile(r"(?:[^.!?]|[.!?](?! ))+\.")


def test_every_test_says_what_must_hold() -> None:
    """The first line of every test's docstring is one sentence."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith(
                "test_"
            ):
                said = (ast.get_docstring(node) or "").partition("\n")[0]
                assert SENTENCE.fullmatch(said), f"{path.name}: {node.name}: {said}"
