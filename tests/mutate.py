"""Make mutants of modules of tcp_probe and run against each the tests that run its line.

    pip install -r tests/mutation-requirements.txt
    nice python tests/mutate.py _gate _timers    # or nothing, for the whole core

Run it in the root of the tree; tests/mutation.md says what it found. The mutants are mutmut's. Its
own runner is not used: it puts a function of its own in front of each of the package, which the
places and the dumps that the package tells would show, and it leaves out decorated functions. Here
a mutant is the file itself, in a copy of the tree that child processes of the tests import too.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coverage
import libcst as cst
import psutil  # noqa: F401 - see forked()
import pytest
import trio  # noqa: F401
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

ROOT = Path.cwd()
WORK = ROOT / "mutants"
# What is no part of the core: the command line, and what holds nothing that could be wrong.
NO_CORE = {"__init__", "__main__", "_bad_input", "_check_command", "_columns", "_command_line"}
# How many mutants are tried at once: most tests wait for something, so a core serves several.
AT_ONCE = 3 * (os.cpu_count() or 1)
# How long (s) the tests of one mutant may take when they pass: beyond it the slowest are left out.
BUDGET = 20.0
# How long (s) all tests may take.
LONGEST = 480.0
# The exit code of a run that would not have imported the mutant.
NOT_RUN = 99
PLUGINS = ["-p", "no:cacheprovider", "--numprocesses=0", "-q"]


class Watcher:
    """A pytest plugin that notes how long each test takes, and which one fails."""

    def __init__(self, begins: Callable[[str], object] = str) -> None:
        self.begins = begins
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begins(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def mutants(code: str) -> Iterator[tuple[int, str]]:
    """Make all mutants of a file, but one only for each of its strings."""
    wrapper = MetadataWrapper(cst.parse_module(code))
    positions = wrapper.resolve(PositionProvider)

    def walked(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        if not isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
            yield node
            for child in node.children:
                yield from walked(child)

    for node in walked(wrapper.module):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                made = list(operator(node))
                for each in made[:1] if operator is operator_string else made:
                    changed = wrapper.module.deep_replace(node, each)
                    yield positions[node].start.line, changed.code


def tests_of(code: str, line: int, by_line: dict[int, list[str]]) -> set[str]:
    """Tell the tests that run the statement of a line; outside functions, all of the module's."""
    nodes = list(ast.walk(ast.parse(code)))
    functions = [each for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    if any(each.body[0].lineno <= line <= (each.end_lineno or 0) for each in functions):
        begins = [
            each.lineno for each in nodes if isinstance(each, ast.stmt) and each.lineno <= line
        ]
        return {each for number in range(max(begins), line + 1) for each in by_line.get(number, [])}
    return {each for tests in by_line.values() for each in tests}


def copied(name: str) -> Path:
    """Copy what is under version control, as it is in the tree now."""
    tree = WORK / name
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True)  # noqa: S607
    for file in filter(None, listed.stdout.split("\0")):
        if (ROOT / file).is_file():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tree / file)
    return tree


def forked(tree: Path, run: Callable[[], int]) -> int:
    """Run something in a child process, in a process group of its own, that imports from a tree."""
    if (pid := os.fork()) != 0:
        return pid
    os.setsid()
    os.chdir(tree)
    with (tree / "output.txt").open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = True  # a mutant of the same second and size would not be seen
    os.environ.update(PYTHONPATH=str(tree), PYTHONDONTWRITEBYTECODE="1")
    found = importlib.util.find_spec("tcp_probe")
    code = NOT_RUN
    if found is not None and str(found.origin).startswith(str(tree)):
        code = run()
    sys.stdout.flush()
    os._exit(code)


def run_all(*selection: str) -> None:
    """Run all tests of the listener once, and note which lines each runs, and how long it takes."""
    tree = copied("covered")
    # In a child process of a test pytest's variable names the test.
    settings = ["parallel = true", f"source = {tree / 'tcp_probe'}"]
    settings += [f"data_file = {tree / 'data'}", "context = ${PYTEST_CURRENT_TEST-}"]
    (tree / "settings").write_text("\n".join(["[run]", *settings]) + "\n")

    def run() -> int:
        measured = coverage.Coverage(config_file=str(tree / "settings"))
        measured.start()

        def begins(test: str) -> None:
            measured.switch_context(test)
            os.environ["COVERAGE_PROCESS_START"] = str(tree / "settings")
            # A signal handler that raises can leave the lock of coverage in a child process held.
            if "test_signals" in test:
                del os.environ["COVERAGE_PROCESS_START"]

        watcher = Watcher(begins)
        code = pytest.main([*PLUGINS, *selection, "tests/listener"], plugins=[watcher])
        measured.stop()
        measured.save()
        whole = coverage.Coverage(data_file=str(tree / "data"), config_file=False)
        whole.combine([str(tree)])
        whole.save()
        for test in watcher.failed:  # without a mutant: it can tell nothing
            watcher.seconds.pop(test, None)
        (tree / "seconds.json").write_text(json.dumps(watcher.seconds))
        return int(code)

    if ended(pid := forked(tree, run), time.monotonic() + LONGEST) is None:
        os.killpg(pid, signal.SIGKILL)
        sys.exit(f"The tests do not end without a mutant: see {tree / 'output.txt'}.")


def ended(pid: int, until: float) -> int | None:
    """Wait for a child process, and tell its exit code, or None where it has not ended in time."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.02)


def covered() -> tuple[dict[str, dict[int, list[str]]], dict[str, float]]:
    """Read which tests run a line, in child processes too, and how long each test takes."""
    tree = WORK / "covered"
    seconds = json.loads((tree / "seconds.json").read_text())
    data = coverage.CoverageData(str(tree / "data"))
    data.read()
    lines: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        if Path(file).parent == tree / "tcp_probe":
            lines[Path(file).stem] = {
                line: sorted({each.split(" (")[0] for each in contexts} & seconds.keys())
                for line, contexts in data.contexts_by_lineno(file).items()
            }
    return lines, seconds


def chosen(tests: set[str], seconds: dict[str, float], budget: float) -> list[str]:
    """Sort tests, the fastest of one event loop first, and take what the time allows."""
    spent = 0.0
    taken: list[str] = []
    for test in sorted(tests, key=lambda each: ("uvloop" in each or "trio" in each, seconds[each])):
        spent += seconds[test]
        if spent > budget and taken:
            break
        taken.append(test)
    return taken


def run_tests(tree: Path, tests: list[str]) -> int:
    watcher = Watcher()
    code = pytest.main([*PLUGINS, "-x", *tests], plugins=[watcher])
    (tree / "failed.txt").write_text("".join(watcher.failed))
    return int(code)


def difference(code: str, mutated: str) -> str:
    lines = difflib.unified_diff(code.splitlines(), mutated.splitlines(), n=0)
    return "\n".join(each for each in lines if not each.startswith(("---", "+++", "@@")))


class Runs:
    """The mutants whose tests run at this moment, each in a tree and a process of its own."""

    def __init__(self) -> None:
        self.free = [copied(str(number)) for number in range(AT_ONCE)]
        self.running: dict[int, tuple[Path, dict[str, Any], float]] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()

    def begin(self, module: str, code: str, tests: list[str], facts: dict[str, Any]) -> None:
        while not self.free:
            self.look()
        tree = self.free.pop()
        (tree / "tcp_probe" / f"{module}.py").write_text(code)
        pid = forked(tree, lambda: run_tests(tree, tests))
        self.running[pid] = (tree, facts, time.monotonic() + facts["allowed"])

    def end(self) -> None:
        while self.running:
            self.look()

    def look(self) -> None:
        for pid, (tree, facts, until) in list(self.running.items()):
            code = ended(pid, 0)
            if code is None and time.monotonic() < until:
                continue
            # What the tests started goes with them.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            if code is None:
                os.waitpid(pid, 0)
            del self.running[pid]
            outcome = {None: "time-out", 0: "survived", NOT_RUN: "not run"}.get(code, "killed")
            by = (tree / "failed.txt").read_text() if code == 1 else ""
            self.note({**facts, "outcome": outcome, "by": by})
            name = f"tcp_probe/{facts['module']}.py"
            shutil.copy(ROOT / name, tree / name)
            self.free.append(tree)
        time.sleep(0.02)

    def note(self, facts: dict[str, Any]) -> None:
        self.outcomes[facts["module"], facts["outcome"]] += 1
        with (WORK / "results.jsonl").open("a") as log:
            log.write(json.dumps(facts) + "\n")
        if facts["outcome"] != "killed":
            print("{outcome} {module}:{line}\n{change}".format(**facts), flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="names of modules, as _gate; all of the core")
    parser.add_argument("--budget", type=float, default=BUDGET, help="s of tests for each mutant")
    parser.add_argument("--one-loop", action="store_true", help="no tests of uvloop and trio")
    parser.add_argument("--keep", action="store_true", help="the lines noted by the run before")
    parser.add_argument("--lines", nargs="*", type=int, help="only mutants of these lines")
    return parser.parse_args()


def main() -> None:
    given = options()
    core = sorted({each.stem for each in (ROOT / "tcp_probe").glob("*.py")} - NO_CORE)
    WORK.mkdir(exist_ok=True)
    begun = time.monotonic()
    if not given.keep:
        run_all("-k", "not uvloop and not trio" if given.one_loop else "")
    by_line, seconds = covered()
    print(f"{len(seconds)} tests, after {time.monotonic() - begun:.0f} s", flush=True)
    (WORK / "results.jsonl").unlink(missing_ok=True)
    runs = Runs()
    for module in given.modules or core:
        code = (ROOT / "tcp_probe" / f"{module}.py").read_text()
        for line, mutated in mutants(code):
            if given.lines and line not in given.lines:
                continue
            change = difference(code, mutated)
            facts: dict[str, Any] = {"module": module, "line": line, "change": change}
            tests = chosen(tests_of(code, line, by_line.get(module, {})), seconds, given.budget)
            facts["allowed"] = 30 + 3 * sum(seconds[each] for each in tests)
            if tests:
                runs.begin(module, mutated, tests, facts)
            else:
                runs.note({**facts, "outcome": "not run"})
    runs.end()
    for (module, outcome), count in sorted(runs.outcomes.items()):
        print(module, outcome, count)
    print(f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
