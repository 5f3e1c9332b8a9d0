from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from .steps import Container
    from .versions import Rules

RestartPolicy = Literal["Always", "OnFailure", "Never"]
RESTART_POLICIES: tuple[RestartPolicy, ...] = get_args(RestartPolicy)
RuleAction = Literal["Restart", "RestartAllContainers"]
RULE_ACTIONS: tuple[RuleAction, ...] = get_args(RuleAction)


@dataclass(frozen=True)
class RestartRule:
    """One of a container's `restartPolicyRules`: what to do after some exit codes.

    `negated` stands for the operator NotIn.
    """

    action: RuleAction
    codes: frozenset[int]
    negated: bool = False

    def matches(self, code: int) -> bool:
        """Say whether the rule is for this exit code."""
        return (code in self.codes) != self.negated


def policy_of(container: Container, rules: Rules) -> RestartPolicy:
    """Return the policy that holds for a container: its own, where kubelet heeds it, or the pod's.

    It decides alone whether a container that its probe has killed is started again at once.
    """
    if container.sidecar and rules.has("sidecars"):
        return "Always"
    own = container.own_restart_policy if rules.has("own restart policy") else None
    return own or container.restart_policy


def rule_for(container: Container, code: int, rules: Rules) -> RestartRule | None:
    """Return the rule that decides after this exit code: the first that matches, if any."""
    if not (rules.has("own restart policy") and container.own_restart_policy):
        return None
    rule = next((rule for rule in container.restart_rules if rule.matches(code)), None)
    unknown = rule and rule.action == "RestartAllContainers" and not rules.has("restart all")
    return None if unknown else rule


def restarts_after(container: Container, code: int, rules: Rules) -> bool:
    """Say whether a container that ended with this code is started again."""
    if rule_for(container, code, rules):
        return True
    policy = policy_of(container, rules)
    return policy == "Always" or (policy == "OnFailure" and code != 0)
