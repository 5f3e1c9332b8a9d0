from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe import _command_line as command_line
from tcp_probe._defaults import BACKLOG, STALL_TIMEOUT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

EPILOG = """\
Every container of every Pod in the file is explained, and
what is passed over is named.

exit status:
  0   no error was found
        tcp-probe explain worker.yaml
  1   one was, or with --strict a warning
        tcp-probe explain worker.yaml --strict
  2   it cannot be read
        tcp-probe explain values.yaml
  74  the output cannot be written
        tcp-probe explain worker.yaml > /dev/full

more examples:
  helm template CHART | tcp-probe explain -
  tcp-probe explain rollout.yaml --template spec.template
  tcp-probe explain app.yaml --json |
    jq '.containers[].findings[]'
"""


def explain(argv: Sequence[str]) -> int:
    """Run `tcp-probe explain`; return its exit status.

    0: nothing of level error was found, 1: something was, or with --strict a warning, 2: bad input.
    """
    return command_line.run(_explain, argv)


def _explain(argv: Sequence[str]) -> int:
    from .settings import Settings

    given = _parser().parse_args(argv)
    from .explainer import explain as explained

    told = given.backlog is not None or given.stall_timeout is not None
    settings = Settings(
        tcp_probe=True if given.tcp_probe or told else None,
        backlog=BACKLOG if given.backlog is None else given.backlog,
        stall_timeout=STALL_TIMEOUT if given.stall_timeout is None else given.stall_timeout,
        clean_end=given.clean_end,
        version=given.kubernetes,
        template=given.template,
    )
    explanation = explained(given.manifest, given.container, settings)
    if given.json:
        import json

        print(json.dumps(explanation.as_dict(), indent=2))
    else:
        from .text import printed

        printed(explanation)
    return explanation.exit_status(strict=given.strict)


def _parser() -> argparse.ArgumentParser:
    from tcp_probe.kubelet import versions

    parser = command_line.parser(
        "explain",
        "Tell what the probes of a manifest will do, in seconds,\nand what is wrong with them.",
        epilog=EPILOG,
        container="explain those of this name alone; POD/NAME: that one",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for a warning, too")
    parser.add_argument(
        "--template",
        type=command_line.argument(_path),
        metavar="PATH",
        help="where kinds that Kubernetes does not have itself (Argo's Rollout, Knative's Service) "
        "hold their Pod template, as in spec.template",
    )
    parser.add_argument(
        "--kubernetes",
        type=command_line.argument(versions.parse),
        metavar="1.NN",
        help="the cluster's version: what it does not know is an error (default: the newest)",
    )
    parser.add_argument(
        "--tcp-probe",
        action="store_true",
        help="the worker uses tcp_probe.serve (default: if command, image, variables or the "
        "annotation tcp-probe/worker say so)",
    )
    backlog = f"what tcp_probe.serve gets as backlog (default: {BACKLOG})"
    command_line.add_number(parser, "--backlog", "N", backlog, kind=int)
    stall = f"what it gets as stall_timeout, in seconds (default: {STALL_TIMEOUT:g})"
    command_line.add_number(parser, "--stall-timeout", "S", stall)
    clean = (
        "the seconds that the worker needs to end cleanly (default: 11 for one that uses Claude, "
        "else not known)"
    )
    command_line.add_number(parser, "--clean-end", "S", clean)
    return parser


def _path(text: str) -> tuple[str, ...]:
    names = () if text == "." else tuple(text.removeprefix(".").split("."))
    if not all(names):
        raise ValueError(
            f"expected names of fields with dots between them, as in spec.template, got {text!r}"
        )
    return names
