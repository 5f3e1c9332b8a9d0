"""The options that say which kubelet a rehearsal follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe import _command_line as command_line
from tcp_probe.kubelet.versions import LONGEST_DELAY, NEWEST, OLDEST, Rules, parse

if TYPE_CHECKING:
    import argparse


def add_kubelet_options(parser: argparse.ArgumentParser) -> None:
    """Let the parser take `--kubernetes`, `--max-restart-period` and `--reduced-decay`."""
    parser.add_argument(
        "--kubernetes",
        type=command_line.argument(parse),
        default=NEWEST,
        metavar="1.NN",
        help=f"follow the kubelet of this version, 1.{OLDEST} to 1.{NEWEST} (default: 1.{NEWEST})",
    )
    longest = "the longest back-off, where the node sets crashLoopBackOff.maxContainerRestartPeriod"
    command_line.add_number(parser, "--max-restart-period", "SECONDS", longest, kind=int, least=1)
    parser.add_argument(
        "--reduced-decay",
        action="store_true",
        help="back off from 1 s up to 60 s, where the node has the feature gate "
        "ReduceDefaultCrashLoopBackOffDecay",
    )


def rules_of(given: argparse.Namespace, parser: argparse.ArgumentParser) -> Rules:
    """Return the rules that the options ask for; those of an older kubelet end the command."""
    rules = Rules(given.kubernetes, given.max_restart_period, given.reduced_decay)
    if rules.max_restart_period and not rules.has("max restart period"):
        parser.error(f"--max-restart-period is known from 1.32 on, not in {rules}")
    if rules.max_restart_period and rules.max_restart_period > LONGEST_DELAY:
        parser.error(
            f"argument --max-restart-period: expected at most {LONGEST_DELAY:g}, "
            f"got {rules.max_restart_period:g}"
        )
    if rules.reduced_decay and not rules.has("reduced decay"):
        parser.error(f"--reduced-decay is known from 1.33 on, not in {rules}")
    return rules
