from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tcp_probe import _command_line as command_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from .groups import Group
    from .reading import Judged, Reading

_EPILOG = """\
exit status:
  0   nothing is wrong
        tcp-probe why worker-7d4f
  1   something is
        tcp-probe why deployment/worker -n prod
  2   bad input, or no access
        tcp-probe why --from no-such-folder
  74  the output cannot be written
        tcp-probe why worker-7d4f > /dev/full

more examples:
  every pod, counted by cause and place:
    tcp-probe why -A
  those with a label:
    tcp-probe why -l app=worker -n prod
  one that was handed over:
    kubectl get pod POD -o json | tcp-probe why -
  what was saved of one, or of several:
    tcp-probe why --from FOLDER [POD]

A FOLDER holds pod.json or pods.json or job.json, and where
there are any events.json, logs-CONTAINER.txt and, of the
container before the restart, logs-CONTAINER-previous.txt.

It reads through kubectl, with your rights, and changes
nothing.
"""


_SAVED = (".json", ".yaml", ".yml")


def why(argv: Sequence[str]) -> int:
    """Run `python -m tcp_probe why`; return its exit status.

    0: nothing is wrong, 1: something is, 2: bad input, or no access.
    """
    return command_line.run(_why, argv)


def _parser() -> argparse.ArgumentParser:
    parser = command_line.Parser(
        prog="tcp-probe why",
        description="Tell why a pod was restarted, or does not start or become\n"
        "ready: one verdict, the evidence for it, what to do.",
        usage="%(prog)s POD | KIND/NAME | - [options]\n"
        "       %(prog)s -A | -l SELECTOR [options]\n"
        "       %(prog)s --from FOLDER [POD] [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.behind = "; a kind and its name are one, as in deployment/web"
    parser.add_argument(
        "target",
        nargs="?",
        metavar="POD",
        help="a pod; deployment/NAME, job/NAME and the like for all of its pods; - for a pod as "
        "JSON on the standard input",
    )
    parser.add_argument("-n", "--namespace", metavar="NAMESPACE", help="default: kubectl's own")
    parser.add_argument("-c", "--container", metavar="NAME", help="look at this one only")
    parser.add_argument("--context", metavar="CONTEXT", help="of kubectl; default: its own")
    parser.add_argument("-l", "--selector", metavar="SELECTOR", help="pods with these labels")
    parser.add_argument(
        "-A", "--all-namespaces", action="store_true", help="pods of every namespace"
    )
    parser.add_argument(
        "--from", dest="folder", metavar="FOLDER", help="read a folder instead of a cluster"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _why(argv: Sequence[str]) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    reading = _read(given, parser)
    from .groups import grouped
    from .reading import judged

    pods = judged(reading)
    groups = grouped(pods) if len(pods) > 1 else []
    # A file name or a message may hold what the output's encoding has no character for.
    with suppress(AttributeError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if given.json:
        _print_json(pods, groups, reading.missing)
    else:
        _print_text(pods, groups, reading)
    wrong = any(verdict.cause != "none" for pod in pods for verdict in pod.verdicts)
    return int(wrong)


def _read(given: argparse.Namespace, parser: argparse.ArgumentParser) -> Reading:
    from .folder import read_folder, read_stdin

    if given.folder is not None or given.target == "-":
        _need_no_cluster(given, parser)
    if given.folder is not None:
        return read_folder(given.folder, given.target, given.container)
    if given.target == "-":
        return read_stdin(given.container)
    chosen = [given.target, given.selector, given.all_namespaces or None]
    if sum(each is not None for each in chosen) != 1:
        parser.error("expected one of POD, KIND/NAME, -, -l SELECTOR, -A, --from FOLDER")
    if given.target and _is_a_file(given.target):
        parser.error(
            f"expected POD or KIND/NAME, got {given.target!r}: --from takes a FOLDER, and - a pod "
            "as JSON on the standard input"
        )
    from .cluster import Target, read_cluster
    from .kubectl import Progress

    target = Target(
        given.target,
        given.namespace,
        given.selector,
        given.all_namespaces,
        given.container,
        given.context,
    )
    return read_cluster(target, Progress())


def _is_a_file(target: str) -> bool:
    """Tell whether a target looks like a path: no pod, and no kind, is called so."""
    return target.startswith((".", "/")) or target.count("/") > 1 or target.endswith(_SAVED)


def _need_no_cluster(given: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    options = {
        "-n": given.namespace,
        "-l": given.selector,
        "-A": given.all_namespaces,
        "--context": given.context,
    }
    for option, value in options.items():
        if value:
            parser.error(f"expected {option} without --from and -: it chooses from a cluster")


def _print_json(pods: Sequence[Judged], groups: Sequence[Group], missing: Sequence[str]) -> None:
    print(
        json.dumps(
            {
                "pods": [pod.as_dict() for pod in pods],
                "groups": [group.as_dict() for group in groups],
                "missing": list(missing),
            },
            indent=2,
        )
    )


def _print_text(pods: Sequence[Judged], groups: Sequence[Group], reading: Reading) -> None:
    from rich.console import Console, ConsoleDimensions

    from tcp_probe._columns import terminal

    from .text import commands, missing_text, overview, verdict_text

    console = Console(highlight=False, markup=False, emoji=False)
    # rich looks at more than the output to find a terminal, but takes 80 where TERM=dumb.
    console.size = ConsoleDimensions(terminal(console.width), console.height)

    def show(what: Iterable[RenderableType]) -> None:
        # Written by print rather than by rich, which ends the process where a pipe is closed.
        with console.capture() as capture:
            for each in what:
                console.print(each)
        print("\n".join(line.rstrip() for line in capture.get().splitlines()))

    if len(pods) > 1:
        show(overview(groups, pods))
        for command in commands(groups, reading):
            print(f"  {command}")
    for pod in pods if len(pods) == 1 else ():
        for index, verdict in enumerate(pod.verdicts):
            if index:
                print()
            show(verdict_text(pod, verdict))
            if verdict.rehearse:
                print(f"  {verdict.rehearse}")
    if reading.missing:
        print()
        show(missing_text(reading.missing))
