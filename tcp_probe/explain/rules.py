"""What is worth a change in the probes of a container: one function, named as the rule it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Exec, HttpGet, Sleep, TcpSocket
from tcp_probe.manifest.fields import Field
from tcp_probe.manifest.finding import Finding, Level

if TYPE_CHECKING:
    from tcp_probe.kubelet.handlers import Handler
    from tcp_probe.kubelet.prober import Probe, ProbeKind
    from tcp_probe.manifest.workload import Workload

    from .timing import Timing

# The Claude Agent SDK closes its CLI in up to 10 s: 5 s of waiting, SIGTERM, 5 s more, SIGKILL.
CLEAN_END = 11.0
ENOUGH_FOR_A_START = 30
SPARING_EXEC_PERIOD = 10
SYN_RESENT = 2
KILLING: tuple[ProbeKind, ...] = ("startup", "liveness")
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1", re.IGNORECASE)
DEPENDENCIES = re.compile(
    r"(?<![a-z])(ready|readyz|readiness|deep|full|deps?|dependency|dependencies|db|database"
    r"|upstreams?)(?![a-z])",
    re.IGNORECASE,
)
# Where something was found, the reason, and the fix.
Rule = Iterator[tuple[Field, str, str]]


@dataclass(frozen=True)
class Probed:
    """One probe, how it checks, and where both stand. A command has no port: number 0."""

    probe: Probe
    handler: Handler
    field: Field
    port: Field | None
    host: Field | None
    number: int


@dataclass(frozen=True)
class Case:
    """What the rules look at. `clean_end` is how long the worker needs to end, in seconds."""

    workload: Workload
    timing: Timing
    clean_end: float

    @property
    def container(self) -> Field:
        """The container."""
        return self.workload.choice.container

    @property
    def spec(self) -> Field:
        """The spec of its pod."""
        return self.workload.choice.pod.need("spec")

    @property
    def on_host_network(self) -> bool:
        """Whether the pod uses the network of its node."""
        field = self.spec.get("hostNetwork")
        return field is not None and field.flag()

    @property
    def probes(self) -> dict[ProbeKind, Probed]:
        """The probes, each by its kind."""
        probes: dict[ProbeKind, Probed] = {}
        for probe in self.workload.container.probes:
            field = self.container.need(f"{probe.kind}Probe")
            action = field.get("tcpSocket") or field.get("httpGet")
            port = action and action.get("port")
            host = action and action.get("host")
            handler = self.workload.handlers[probe.kind]
            number = 0 if isinstance(handler, Exec) else handler.port
            probes[probe.kind] = Probed(probe, handler, field, port, host, number)
        return probes


def find(case: Case) -> list[Finding]:
    """Apply every rule."""
    return [
        Finding.at(field, rule.__name__.replace("_", "-"), level, reason, fix)
        for rule, level in RULES
        for field, reason, fix in rule(case)
    ]


def named_port(case: Case) -> Rule:
    """Find named ports that the container does not have."""
    named = [port.get("name") for port in case.container.items_of("ports")]
    names = ", ".join(name.text() for name in named if name) or "none"
    for probed in case.probes.values():
        if probed.port and not probed.number:
            reason = (
                f"no port of this container has that name (it has {names}): kubelet cannot make "
                "the check and counts nothing, so liveness never fails, startup and readiness "
                "never succeed"
            )
            yield probed.port, reason, "write the name or the number of one of its ports"


def undeclared_port(case: Case) -> Rule:
    """Find ports that the container does not declare."""
    declared = ", ".join(map(str, case.workload.ports)) or "none"
    for probed in case.probes.values():
        if probed.port and probed.number and probed.number not in case.workload.ports:
            reason = f"{probed.number} is none of the ports that the container declares: {declared}"
            yield probed.port, reason, "correct it, or declare the port and probe it by its name"


def timeout_over_period(case: Case) -> Rule:
    """Find checks that may take longer than from one to the next."""
    for probed in case.probes.values():
        period, timeout = probed.probe.period, probed.probe.timeout
        if timeout > period:
            reason = (
                f"a check may take {timeout} s, but one is due every {period} s: where they are "
                f"not answered, they follow one another every {timeout} s instead"
            )
            yield probed.field, reason, f"periodSeconds of {timeout} or more, or a shorter timeout"


def short_tcp_timeout(case: Case) -> Rule:
    """Find tcpSocket checks that cannot outlast one lost packet."""
    for probed in case.probes.values():
        if isinstance(probed.handler, TcpSocket) and probed.probe.timeout < SYN_RESENT:
            reason = (
                "a dropped SYN is sent again after 1 s, which is too late for this check: a short "
                "queue of a busy worker then counts as a failure"
            )
            yield probed.field, reason, f"timeoutSeconds: {SYN_RESENT}"


def liveness_without_startup(case: Case) -> Rule:
    """Find liveness probes that leave a start little time."""
    allowance = case.timing.start()
    liveness = case.probes.get("liveness")
    if liveness and allowance and "startup" not in case.probes:
        least = allowance.least
        if least < ENOUGH_FOR_A_START:
            reason = f"a start that takes longer than {least:g} s may be killed, again and again"
            fix = "add a startupProbe: periodSeconds: 2, failureThreshold: 30 allow 58 s"
            yield liveness.field, reason, fix


def same_as_liveness(case: Case) -> Rule:
    """Find readiness probes that say the same at the same time as liveness."""
    liveness, readiness = case.probes.get("liveness"), case.probes.get("readiness")
    if liveness and readiness and liveness.handler == readiness.handler:
        both = (liveness.probe, readiness.probe)
        pace = {(probe.period, probe.failure_threshold) for probe in both}
        if len(pace) == 1:
            reason = "the container is killed just when it is taken out of service: no time to heal"
            fix = "a lower failureThreshold here than in the livenessProbe, or another port"
            yield readiness.field, reason, fix


def every_second(case: Case) -> Rule:
    """Find probes that check every second."""
    for probed in case.probes.values():
        if probed.probe.period == 1:
            threshold = probed.probe.failure_threshold
            reason = f"{threshold} s without an answer are enough, on a busy node too"
            yield probed.field, reason, "periodSeconds of 2 to 10"


def loopback_host(case: Case) -> Rule:
    """Find checks of the node itself."""
    for probed in case.probes.values():
        host = probed.host
        if host and LOOPBACK.fullmatch(host.text()) and not case.on_host_network:
            reason = "kubelet connects from the node, whose own address this is: not the pod's"
            yield host, reason, "remove host: the default is the pod's address"


def frequent_exec(case: Case) -> Rule:
    """Find commands that are run often."""
    for probed in case.probes.values():
        period = probed.probe.period
        if isinstance(probed.handler, Exec) and period < SPARING_EXEC_PERIOD:
            reason = f"every {period} s a process is started in the container, at its expense"
            yield probed.field, reason, f"periodSeconds of {SPARING_EXEC_PERIOD} or more"


def checks_dependencies(case: Case) -> Rule:
    """Find liveness pages that may ask others."""
    for probed in map(case.probes.get, KILLING):
        if probed and isinstance(probed.handler, HttpGet):
            found = DEPENDENCIES.search(probed.handler.path)
            if found:
                reason = (
                    f"{found.group()!r} sounds as if this page asked other services, too: when one "
                    "of them is down, every worker is restarted, which mends nothing"
                )
                yield probed.field.need("httpGet"), reason, "a page that asks nobody else"


def short_grace(case: Case) -> Rule:
    """Find too little time for a clean end."""
    hook = case.workload.pre_stop
    hook_takes = hook.seconds if isinstance(hook, Sleep) else 0
    name = "terminationGracePeriodSeconds"
    graces = [(case.spec.get(name) or case.spec, case.workload.container.grace)]
    graces += [
        (probed.field.need(name), probed.probe.grace)
        for probed in case.probes.values()
        if probed.probe.grace is not None
    ]
    for field, grace in graces:
        rest = grace - hook_takes
        if rest < case.clean_end:
            reason = f"{rest:g} s from SIGTERM to SIGKILL; a clean end needs {case.clean_end:g} s"
            fix = f"{name}: {ceil(case.clean_end + hook_takes)} or more"
            yield field, reason, fix


def host_network(case: Case) -> Rule:
    """Find pods on the network of the node."""
    if case.on_host_network:
        reason = "the port is the node's: one such pod a node, and open to whoever reaches the node"
        yield case.spec.need("hostNetwork"), reason, "remove hostNetwork, unless the work needs it"


def service_mesh(case: Case) -> Rule:
    """Find TCP checks that a proxy answers."""
    annotations = case.workload.choice.pod.find("metadata", "annotations")
    inject = annotations and annotations.get("linkerd.io/inject")
    if not annotations or not inject or inject.value == "disabled":
        return
    skipped = annotations.get("config.linkerd.io/skip-inbound-ports")
    for probed in case.probes.values():
        tcp = isinstance(probed.handler, TcpSocket)
        if tcp and not _within(probed.number, skipped.text() if skipped else ""):
            reason = "Linkerd's proxy accepts every connection itself: this probe never fails"
            fix = f'add config.linkerd.io/skip-inbound-ports: "{probed.number}" to the annotations'
            yield probed.field, reason, fix


def no_liveness(case: Case) -> Rule:
    """Find containers that nothing restarts."""
    if "liveness" not in case.probes:
        reason = "nothing restarts a worker that stands still or waits for ever"
        yield case.container, reason, "add a livenessProbe on the port of tcp_probe.serve"


RULES: tuple[tuple[Callable[[Case], Rule], Level], ...] = (
    (named_port, "error"),
    (loopback_host, "error"),
    (service_mesh, "error"),
    (undeclared_port, "warning"),
    (timeout_over_period, "warning"),
    (short_tcp_timeout, "warning"),
    (liveness_without_startup, "warning"),
    (same_as_liveness, "warning"),
    (every_second, "warning"),
    (frequent_exec, "warning"),
    (checks_dependencies, "warning"),
    (short_grace, "warning"),
    (host_network, "warning"),
    (no_liveness, "info"),
)


def _within(number: int, ports: str) -> bool:
    """Say whether a list such as `25,9000-9100` has the number."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", ports)
    return any(int(first) <= number <= int(last or first) for first, last in ranges)
