"""Rules about how often, how patiently and for how long a probe asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Exec, TcpSocket

from .case import KILLING

if TYPE_CHECKING:
    from .case import Case, Rule

ENOUGH_FOR_A_START = 30
SPARING_EXEC_PERIOD = 10
SYN_RESENT = 2
AN_HOUR = 3600


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


def delay_for_startup(case: Case) -> Rule:
    """Find delays that stand in for a startup probe."""
    liveness = case.probes.get("liveness")
    if liveness and liveness.probe.initial_delay and "startup" not in case.probes:
        delay = liveness.probe.initial_delay
        reason = (
            f"for {delay} s of every start nobody looks, and a start that takes longer than usual "
            "is killed all the same"
        )
        fix = "a startupProbe on the same port in place of it: it ends as soon as the worker is up"
        yield liveness.field.need("initialDelaySeconds"), reason, fix


def short_startup(case: Case) -> Rule:
    """Find startup probes that allow little, or less than the delay beside them suggests."""
    startup, allowance = case.probes.get("startup"), case.timing.start()
    if not (startup and allowance):
        return
    least = allowance.least
    liveness = case.probes.get("liveness")
    delay = liveness.probe.initial_delay if liveness else 0
    fix = "a higher failureThreshold: periodSeconds x (failureThreshold - 1) is what it allows"
    if least < delay:
        reason = f"it allows {least:g} s, but the livenessProbe's delay expects {delay} s"
        yield startup.field, reason, fix
    elif least < ENOUGH_FOR_A_START:
        reason = f"a start that takes longer than {least:g} s may be killed, again and again"
        yield startup.field, reason, fix


def budget_of_hours(case: Case) -> Rule:
    """Find probes that let a worker that is lost live for an hour and longer."""
    for probed in map(case.probes.get, KILLING):
        if probed:
            probe = probed.probe
            pace = max(probe.period, probe.timeout)
            seconds = probe.initial_delay + probe.failure_threshold * pace
            if seconds >= AN_HOUR:
                reason = f"a worker that never answers lives for {seconds / AN_HOUR:.1f} hours"
                yield probed.field, reason, "a lower failureThreshold, period or delay: minutes"


def one_failure(case: Case) -> Rule:
    """Find liveness probes that one failed check is enough for."""
    liveness = case.probes.get("liveness")
    if liveness and liveness.probe.failure_threshold == 1:
        reason = "one lost packet, or one pause of a busy node, restarts the worker"
        yield liveness.field, reason, "failureThreshold: 3, the default"


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


def liveness_before_readiness(case: Case) -> Rule:
    """Find liveness probes that kill before readiness has taken the container out of service."""
    liveness, readiness = case.probes.get("liveness"), case.probes.get("readiness")
    if liveness and readiness:
        kills, unready = (
            each.probe.period * each.probe.failure_threshold for each in (liveness, readiness)
        )
        if kills < unready:
            reason = (
                f"it kills after {kills} s, but readiness takes the container out of service "
                f"after {unready} s only: requests are lost meanwhile"
            )
            yield liveness.field, reason, "a liveness probe that is slower than readiness"


def every_second(case: Case) -> Rule:
    """Find probes that check every second."""
    for probed in case.probes.values():
        if probed.probe.period == 1:
            threshold = probed.probe.failure_threshold
            reason = f"{threshold} s without an answer are enough, on a busy node too"
            yield probed.field, reason, "periodSeconds of 2 to 10"


def frequent_exec(case: Case) -> Rule:
    """Find commands that are run often."""
    for probed in case.probes.values():
        period = probed.probe.period
        if isinstance(probed.handler, Exec) and period < SPARING_EXEC_PERIOD:
            reason = f"every {period} s a process is started in the container, at its expense"
            yield probed.field, reason, f"periodSeconds of {SPARING_EXEC_PERIOD} or more"
