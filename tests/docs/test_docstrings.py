from __future__ import annotations

import ast

from pages import ROOT


def test_every_test_says_what_must_hold() -> None:
    """Every test has a docstring of one sentence."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith(
                "test_"
            ):
                assert (ast.get_docstring(node) or "").endswith("."), f"{path.name}: {node.name}"
