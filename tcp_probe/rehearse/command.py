from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe import _command_line as command_line

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
Without a COMMAND the container's own command and args are
run. ^C ends it, with no process left; a second ^C at once.

exit status:
  0   it became ready, its liveness probe was checked and
      did not kill it, and it was never backed off
        tcp-probe rehearse worker.yaml --for 60
  1   it was; or it never became ready, is not ready or
      fails its liveness probe at the end, ended for good
      with an error, or a probe could not be made or was
      never checked: then "to change" says how long to
      rehearse
        tcp-probe rehearse worker.yaml --virtual \\
          --worker close=20
  2   bad input: no such file, no command to run here, a
      port that is taken
        tcp-probe rehearse no-such-file.yaml
  74  the output cannot be written
        tcp-probe rehearse worker.yaml > /dev/full

--json prints one object a line: time (seconds), type
(Normal or Warning), reason, message, restarts, kind. The
kind "event" is what kubelet sends, word for word; "state"
is what can be seen of the pod: Exited, Ready, NotReady,
SignalIgnored (runs on until SIGKILL), Succeeded (killed,
but ended with 0, and not restarted for that). BackOff has
"delay" in seconds, Exited "termination_message" if there
is one, and with --all-containers each has "container". The
last is of kind "summary": ready_after, causes, unchecked
(the probes without a check), advice, and pod, what kubectl
would show.
  tcp-probe rehearse worker.yaml --for 60 --json |
    jq -r 'select(.kind == "event") | .message'
"""


def rehearse(argv: Sequence[str]) -> int:
    """Run `tcp-probe rehearse`; return its exit status.

    0: it became ready and stayed so, 1: it did not, or was killed or backed off, 2: bad input.
    """
    return command_line.run(_rehearse, argv)


def _rehearse(argv: Sequence[str]) -> int:
    from tcp_probe.kubelet.state_machine import DEFAULT_SEED

    from .kubelet_options import add_kubelet_options, rules_of
    from .worker_script import WORDS, parse

    parser = command_line.parser(
        "rehearse",
        "Run a worker here and treat it as kubelet would,\nrestarts and back-off included.",
        usage="%(prog)s MANIFEST [options]\n         [-- COMMAND ...]",
        epilog=f"{EPILOG}\n--worker SPEC: {WORDS}",
    )
    parser.behind = "; a command goes behind --, as in: -- sleep 60"
    length = "end after so long (default: at ^C; an hour with --virtual)"
    command_line.add_number(parser, "--for", "SECONDS", length)
    parser.add_argument(
        "--seed",
        type=command_line.argument(_whole),
        default=DEFAULT_SEED,
        metavar="N",
        help="decides what is random in kubelet (default: %(default)s)",
    )
    parser.add_argument("--virtual", action="store_true", help="simulate the worker and the clock")
    parser.add_argument(
        "--worker",
        type=command_line.argument(parse),
        metavar="SPEC",
        help="what the simulated worker does, as in start=12,close=20,exit=30:1 or "
        "hang=10,backlog=4,term=3 (all words below)",
    )
    add_kubelet_options(parser)
    parser.add_argument(
        "--all-containers",
        action="store_true",
        help="run the whole pod: init containers in their order, sidecars, then the rest",
    )
    parser.add_argument(
        "--timeline",
        type=command_line.argument(_svg),
        metavar="FILE.svg",
        help="write a picture of what happened to this file",
    )
    own = argv.index("--") if "--" in argv else len(argv)
    given = parser.parse_args(argv[:own])
    command = argv[own + 1 :]
    if given.virtual and (command or given.worker is None):
        parser.error(
            "--virtual needs --worker SPEC, as in --worker start=12,close=20, and takes no command"
        )
    if given.virtual and given.all_containers:
        parser.error("--all-containers runs real containers: --virtual simulates one")
    if given.worker and not given.virtual:
        parser.error("--worker is for --virtual: add that, or leave --worker out")
    rules = rules_of(given, parser)
    from tcp_probe.manifest.workload import load

    from .report import Report, TextReport
    from .run import Options, rehearse_here, rehearse_virtually, whole_pod

    chosen = load(given.manifest, given.container)
    report = Report if given.json else TextReport
    options = Options(report, vars(given)["for"], given.seed, rules, given.timeline)
    if given.virtual:
        return rehearse_virtually(chosen, given.worker, options)
    others = whole_pod(chosen) if given.all_containers else []
    return rehearse_here([chosen, *others], command, options)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {text!r}") from None


def _svg(file: str) -> str:
    if not file.lower().endswith(".svg"):
        raise ValueError(f"expected a file that ends in .svg, got {file!r}")
    return file
