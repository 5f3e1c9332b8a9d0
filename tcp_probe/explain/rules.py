"""What is worth a change in a container and its probes: one function, named as the rule it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.finding import Finding, Level
from tcp_probe.manifest.refusals import told

from . import command_rules, ending_rules, pace_rules, port_rules, surroundings_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .case import Case, Rule

RULES: tuple[tuple[Callable[[Case], Rule], Level], ...] = (
    (surroundings_rules.unrendered_template, "error"),
    (port_rules.named_port, "error"),
    (port_rules.loopback_host, "error"),
    (port_rules.service_mesh, "error"),
    (port_rules.udp_port, "error"),
    (port_rules.not_http, "error"),
    (command_rules.not_a_command, "error"),
    (command_rules.never_passes, "error"),
    (ending_rules.tcp_hook, "error"),
    (surroundings_rules.tiny_memory, "error"),
    (surroundings_rules.gated_field, "error"),
    (port_rules.other_host, "warning"),
    (port_rules.undeclared_port, "warning"),
    (port_rules.ports_of_others, "warning"),
    (port_rules.port_taken, "warning"),
    (port_rules.checks_dependencies, "warning"),
    (pace_rules.timeout_over_period, "warning"),
    (pace_rules.short_tcp_timeout, "warning"),
    (pace_rules.liveness_without_startup, "warning"),
    (pace_rules.delay_for_startup, "warning"),
    (pace_rules.short_startup, "warning"),
    (pace_rules.budget_of_hours, "warning"),
    (pace_rules.one_failure, "warning"),
    (pace_rules.same_as_liveness, "warning"),
    (pace_rules.liveness_before_readiness, "warning"),
    (pace_rules.every_second, "warning"),
    (pace_rules.frequent_exec, "warning"),
    (command_rules.always_passes, "warning"),
    (command_rules.heavy_exec, "warning"),
    (command_rules.curl_without_fail, "warning"),
    (command_rules.shell_without_exec, "warning"),
    (command_rules.ends_by_itself, "warning"),
    (ending_rules.short_grace, "warning"),
    (ending_rules.hook_over_grace, "warning"),
    (ending_rules.turned_into_success, "warning"),
    (surroundings_rules.no_readiness, "warning"),
    (surroundings_rules.host_network, "warning"),
    (surroundings_rules.pod_deadline, "warning"),
    (ending_rules.unwatched_hook, "info"),
    (port_rules.port_number, "info"),
    (surroundings_rules.no_liveness, "info"),
)


def find(case: Case) -> Iterator[Finding]:
    """Apply every rule."""
    for rule, level in RULES:
        yield from _applied(rule, level, case)


def _applied(rule: Callable[[Case], Rule], level: Level, case: Case) -> Iterator[Finding]:
    try:
        for field, reason, fix in rule(case):
            yield Finding.at(field, rule.__name__.replace("_", "-"), level, reason, fix)
    except ManifestError as problem:
        # A part of the manifest that only this rule looks at cannot be understood.
        yield told(problem)
