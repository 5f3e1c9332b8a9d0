from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tcp_probe

PACKAGE = Path(tcp_probe.__file__).parent
# What each package may import beside itself and the private modules of the root.
MAY_IMPORT = {
    "kubelet": set[str](),
    "manifest": {"kubelet"},
    "diagnosis": {"kubelet"},
    "explain": {"kubelet", "manifest", "diagnosis"},
    "rehearse": {"kubelet", "manifest", "diagnosis"},
    # It reads what a command prints, and no command prints for another.
    "why": {"kubelet", "manifest", "diagnosis"},
}


def imported(file: Path) -> Iterator[str]:
    """Yield what a module imports of this package, type checking included: `kubelet.steps`."""
    own = ("tcp_probe", *file.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = own[: len(own) + 1 - node.level] if node.level else ()
            of = ".".join((*base, *([node.module] if node.module else [])))
            names = [f"{of}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name[len("tcp_probe.") :] for name in names if name.startswith("tcp_probe."))


def test_each_package_of_the_tools_has_its_place() -> None:
    """A new one is given its place here."""
    assert {file.parent.name for file in PACKAGE.glob("*/__init__.py")} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package: str) -> None:
    """From the tools to what a manifest and a log say, to kubelet; no tool imports another."""
    files = sorted((PACKAGE / package).rglob("*.py"))
    assert files
    for file in files:
        of = {name.partition(".")[0] for name in imported(file)}
        packages = {name for name in of if not name.startswith("_")}
        assert packages - MAY_IMPORT[package] - {package} == set(), file


def test_the_listener_imports_no_tool() -> None:
    """Only the command line knows the tools, and which one is wanted."""
    for file in sorted(set(PACKAGE.glob("*.py")) - {PACKAGE / "__main__.py"}):
        assert {name.partition(".")[0] for name in imported(file)} & set(MAY_IMPORT) == set(), file
