"""What to do, for each reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.kubelet.recognise import Check

# What the reason of a refusal begins with, and what mends it.
_REASONS: tuple[tuple[str, str], ...] = (
    (
        "a watchdog ran out",
        "Give the await that the stack ends in a timeout of its own, or the watchdog more time.",
    ),
    (
        "the event loop has not run",
        "Run the call that the stack shows in a thread (anyio.to_thread.run_sync), or bound it.",
    ),
    (
        "no Python code ran",
        "Take what the stack shows out of the process, or bound it: nothing else runs meanwhile.",
    ),
    (
        "the worker has ended",
        "The worker returned and its process lives on: join its threads, or let the process exit.",
    ),
    (
        "the worker ended with",
        "Handle the exception, and end what keeps the process alive after it: threads, pools.",
    ),
    ("the condition", "Mend what the condition asks for: the last line of the stack says what."),
    (
        "checks cannot be accepted: [Errno 24]",
        "No file descriptor is left: close what the worker opens, or raise its limit.",
    ),
    ("the probe itself broke", "Please report it: the traceback is in the log."),
)
_LIVENESS: dict[Check | None, str] = {
    "refused": "Find out why nothing listens there any more, and whether it ever listened on every "
    "interface rather than on 127.0.0.1.",
    "timed out": "The process stands still, or gets too little CPU: take a stack (py-spy dump, "
    "jstack), raise its CPU request, and set timeoutSeconds to 2 or more.",
    "reset": "What listens there speaks no HTTP: use a tcpSocket probe, or ask the right port.",
    "status": "Make it answer 200 to 399 where a restart would not help, or mend it.",
    "command": "Run its command in the container (kubectl exec): it has to exit with 0.",
    "command timed out": "Make the command quicker, or raise timeoutSeconds; in a shell put exec "
    "before the last command.",
    "grpc": "Serve grpc.health.v1.Health there, and answer SERVING while the worker is well; ask a "
    "port that only accepts connections by tcpSocket.",
    "tls": "Set the probe's scheme to HTTP, or serve TLS on that port.",
    "other": "Mend what the event says; try the same request from a shell in the pod.",
    None: "Its events (for an hour: kubectl describe pod) tell how the checks failed.",
}
_READINESS: dict[Check | None, str] = {
    **_LIVENESS,
    "refused": "Nothing listens on the readiness port: is the worker still starting, does it wait "
    "for something, or listen on another port?",
    "status": "Look at what the path checks: it answers that the worker is not ready to serve.",
}


def probe_fix(kind: ProbeKind, check: Check | None, reason: str, first: str) -> str:
    """Say what to do about a probe that failed; `first` is what is known better, if anything."""
    known = next((fix for begin, fix in _REASONS if reason.startswith(begin)), "")
    if known or first:
        return known or first
    if reason:
        return "Mend what the worker gives as its reason."
    if kind == "startup" and check in {"refused", "timed out", None}:
        return (
            "Give the start longer (failureThreshold times periodSeconds of the startupProbe), or "
            "find out what it waits for."
        )
    return (_READINESS if kind == "readiness" else _LIVENESS)[check]


SIGNALS = {
    "SIGSEGV": "Native code crashed: update the extension or the runtime, or get a core dump. In "
    "Python, PYTHONFAULTHANDLER=1 prints the stack.",
    "SIGABRT": "It aborted itself: an assertion, malloc, or a native library; its log says.",
    "SIGBUS": "Memory that is mapped is not there: /dev/shm too small, or a file that was cut.",
    "SIGILL": "The image is built for another CPU than the node's.",
    "SIGFPE": "Native code divided by zero: get a core dump.",
    "SIGKILL": "Look for what kills: a node out of memory (kubectl describe node), a kill -9 in "
    "the container, or a wrapper whose child was killed.",
    "SIGTERM": "Look for what sent it: a script, a supervisor in the container, or the node's "
    "shutdown.",
}
SIGNAL = "Look for what sent it, inside the container first."
EXIT = "Mend what the last line says; what came before it:"
EXIT_UNTOLD = "Its log before the end tells:"
CODES = {
    126: "Make the command executable: 126 is a shell's word for it.",
    127: "Mend the command's name: 127 is a shell's word for a command that is not there.",
}
COMPLETED = (
    "Let it run for ever, or run it as a Job: restartPolicy Always restarts a clean end, too."
)
OOM = "Raise resources.limits.memory, or use less: the limit is {limit}."
OOM_CHILD = (
    "Raise resources.limits.memory, or use less: the limit is {limit}, and what was killed was a "
    "child of the main process."
)
NODE = "Look at the node: kubectl describe node. The worker is not at fault."
NONE = "Nothing needs to be done."
