from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]
Later = Callable[[float], datetime]

CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 10}}
LIMIT = {"resources": {"limits": {"memory": "64Mi"}}}
TRACEBACK = """\
starting
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    main()
  File "/app/main.py", line 9, in main
    raise KeyError("queue")
KeyError: 'queue'
"""


def test_the_memory_limit_is_told(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """The API states it."""
    (verdict,) = verdicts(pod(CRASHING, ended(137, "OOMKilled"), restarts=3, container=LIMIT))
    assert (verdict.cause, verdict.certainty) == ("oom", "certain")
    assert verdict.summary == "killed at the memory limit of 64Mi"


def test_the_memory_of_the_node_is_told(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """A container without a limit can be killed for it all the same."""
    (verdict,) = verdicts(pod(CRASHING, ended(137, "OOMKilled"), restarts=3))
    assert "the memory of the node" in verdict.summary


def test_a_child_at_the_memory_limit_is_told(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """The reason stays with another exit code where not PID 1 was killed."""
    (verdict,) = verdicts(pod(CRASHING, ended(0, "OOMKilled"), restarts=3, container=LIMIT))
    assert verdict.cause == "oom"
    assert "a child of it" in verdict.summary


@pytest.mark.parametrize(("lines", "certainty"), [(1, "possible"), (3, "likely")])
def test_a_child_that_is_killed_is_told_by_the_log(
    lines: int, certainty: str, pod: Pod, said: Said
) -> None:
    """The container lives on, without an event; without a limit it is another's doing."""
    for line in (
        "ProcessError: Command failed with exit code -9",
        "child ended with -9",
        "died with <Signals.SIGKILL: 9>",
    ):
        log = f"{line}\n" * lines
        assert said(pod(container=LIMIT), [], log) == ("oom", certainty)
        assert said(pod(), [], log)[0] == "none"


@pytest.mark.parametrize(("code", "reason"), [(255, "Unknown"), (137, "ContainerStatusUnknown")])
def test_an_end_that_nobody_saw_is_the_node(
    code: int, reason: str, pod: Pod, ended: Make, said: Said
) -> None:
    """It restarted, or lost track."""
    assert said(pod(last=ended(code, reason), restarts=1)) == ("node", "likely")


@pytest.mark.parametrize(
    ("code", "name", "certainty"),
    [
        (139, "SIGSEGV", "certain"),
        (134, "SIGABRT", "certain"),
        (135, "SIGBUS", "certain"),
        (137, "SIGKILL", "likely"),
        (143, "SIGTERM", "likely"),
        (130, "SIGINT", "likely"),
    ],
)
def test_a_signal_that_no_probe_sent_is_told(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    code: int, name: str, certainty: str, pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """A crash is sure; who sent another signal is not."""
    (verdict,) = verdicts(pod(CRASHING, ended(code), restarts=3))
    assert (verdict.cause, verdict.certainty) == ("signal", certainty)
    assert name in verdict.summary


def test_a_signal_may_stand_by_itself(pod: Pod, ended: Make, said: Said) -> None:
    """Some runtimes tell it beside the exit code."""
    last = ended(0)
    last["terminated"]["signal"] = 11
    assert said(pod(CRASHING, last, restarts=3))[0] == "signal"


def test_faulthandlers_stack_is_told_with_a_crash(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """It is the last thing in the log."""
    log = "Fatal Python error: Segmentation fault\n"
    (verdict,) = verdicts(pod(CRASHING, ended(139), restarts=3), None, log)
    assert verdict.where == "Fatal Python error: Segmentation fault"


def test_the_last_line_of_a_traceback_is_told(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """With the code, and the frames that lead there."""
    (verdict,) = verdicts(pod(CRASHING, ended(1), restarts=3), None, TRACEBACK)
    assert (verdict.cause, verdict.certainty) == ("exit", "certain")
    assert verdict.summary == "ended by itself with exit code 1: KeyError: 'queue'"
    assert verdict.where == "/app/main.py:9 in main"
    assert verdict.stack[-1] == '  raise KeyError("queue")'
    assert "starting" not in str(verdict)


def test_the_log_of_the_container_that_ended_is_read(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """The one before, where it runs again; its own, where it has not been restarted."""
    runs = pod(last=ended(1), restarts=1)
    assert "KeyError" in verdicts(runs, None, "", TRACEBACK)[0].summary
    assert "KeyError" not in verdicts(runs, None, TRACEBACK, "")[0].summary
    over = pod(ended(1))
    assert "KeyError" in verdicts(over, None, TRACEBACK)[0].summary
    assert "KeyError" not in verdicts(over, None, None, TRACEBACK)[0].summary
    waits = pod(CRASHING, ended(1), restarts=1)
    assert "KeyError" in verdicts(waits, None, None, TRACEBACK)[0].summary


@pytest.mark.parametrize(("code", "fix"), [(126, "executable"), (127, "command's name")])
def test_a_shells_own_codes_are_explained(
    code: int, fix: str, pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """They mean that the command could not be run."""
    assert fix in verdicts(pod(CRASHING, ended(code), restarts=3))[0].fix


def test_a_termination_message_is_a_reason(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """The worker wrote it for that; where it is the end of the log it is none."""
    last = ended(3, message="no broker\nsecond line")
    (verdict,) = verdicts(pod(CRASHING, last, restarts=3))
    assert "pod: its termination message: no broker" in verdict.evidence
    logs = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    (verdict,) = verdicts(pod(CRASHING, last, restarts=3, container=logs))
    assert not any("no broker" in line for line in verdict.evidence)


def test_a_traceback_in_the_termination_message_is_read(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """The end of the log may be kept there."""
    last = ended(1, message=TRACEBACK)
    (verdict,) = verdicts(pod(CRASHING, last, restarts=3))
    assert verdict.summary.endswith("KeyError: 'queue'")


@pytest.mark.parametrize(
    ("container", "start", "events", "certainty", "because"),
    [
        ({}, 10, None, "certain", "no liveness or startup probe"),
        (LIVENESS, 50, None, "likely", "too short for its probes"),
        (LIVENESS, 10, None, "likely", "no events that say so"),
        (LIVENESS, 10, [("Started", 11, 4)], "likely", "each Started came"),
        (LIVENESS, 10, [("Started", 11, 2)], "likely", "proves nothing"),
    ],
)
def test_an_end_by_itself_is_as_sure_as_that_no_probe_killed_it(  # noqa: PLR0913, PLR0917
    container: dict[str, Any],
    start: int,
    events: list[tuple[str, int, int]] | None,
    certainty: str,
    because: str,
    pod: Pod,
    ended: Make,
    event: Make,
    verdicts: Verdicts,
) -> None:
    """There is none, it did not live long enough, or every other event came."""
    told = (
        None
        if events is None
        else [
            event(reason, "", last, first=0, count=count, warning=False)
            for reason, last, count in events
        ]
    )
    (verdict,) = verdicts(
        pod(CRASHING, ended(7, start=start), restarts=3, container=container), told
    )
    assert (verdict.cause, verdict.certainty) == ("exit", certainty)
    assert because in verdict.evidence[1]


def test_a_back_off_tells_an_end_by_itself(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """It would be shorter after kills by a probe."""
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}
    made = pod({"waiting": waiting}, ended(0, start=10), restarts=3, container=LIVENESS)
    (verdict,) = verdicts(made, [event("BackOff", "Back-off restarting")])
    assert (verdict.cause, verdict.certainty) == ("completed", "likely")
    assert "a back-off of 40 s" in verdict.evidence[1]


@pytest.mark.parametrize(("log", "certainty"), [(TRACEBACK, "certain"), (None, "likely")])
def test_a_code_of_its_own_its_back_off_and_its_log_are_certain(
    log: str | None, certainty: str, pod: Pod, ended: Make, said: Said
) -> None:
    """The back-off alone tells of the ends before as well."""
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}
    made = pod({"waiting": waiting}, ended(7), restarts=3, container=LIVENESS)
    assert said(made, None, log) == ("exit", certainty)


def test_a_hook_makes_an_end_by_itself_less_sure(pod: Pod, ended: Make, said: Said) -> None:
    """Kubelet ends a container whose hook fails, and only events tell."""
    hook = {"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}
    assert said(pod(CRASHING, ended(0), restarts=3, container=hook)) == (
        "completed",
        "likely",
    )


@pytest.mark.parametrize("code", [137, 143])
def test_an_end_at_the_memory_limit_that_a_probe_made_is_less_sure(
    code: int, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """A child was killed for its memory at some time, and the probe killed the rest."""
    kill = event("Killing", "Container app failed liveness probe", warning=False)
    made = pod(CRASHING, ended(code, "OOMKilled", start=0), restarts=1, container=LIVENESS)
    (verdict,) = verdicts(made, [kill])
    assert (verdict.cause, verdict.certainty) == ("oom", "likely")
    assert any("then its liveness probe killed it" in line for line in verdict.evidence)


@pytest.mark.parametrize("message", ["Container app definition changed", "app resize requires it"])
def test_a_change_by_hand_is_told(
    message: str, pod: Pod, ended: Make, event: Make, said: Said
) -> None:
    """Kubelet restarts a container whose image was changed, or which is resized."""
    kill = event("Killing", message, warning=False)
    assert said(pod(last=ended(143), restarts=1), [kill]) == ("signal", "certain")
    later = pod(last=ended(143, start=500, end=600), restarts=2)
    assert said(later, [kill]) == ("signal", "likely")


def test_a_restart_of_which_nothing_is_kept_is_unknown(pod: Pod, verdicts: Verdicts) -> None:
    """The node forgets containers; a log may be left."""
    for state in (None, CRASHING):
        (verdict,) = verdicts(pod(state, restarts=3))
        assert (verdict.cause, verdict.certainty) == ("unknown", "possible")
        assert "kubectl logs web" in verdict.fix


def test_a_clean_end_is_wrong_where_it_is_to_run_for_ever(
    pod: Pod, ended: Make, said: Said
) -> None:
    """Under restartPolicy Always only."""
    assert said(pod(CRASHING, ended(0), restarts=3)) == ("completed", "certain")
    over = {"restartPolicy": "OnFailure"}
    done = pod(ended(0), spec=over, status={"phase": "Succeeded"})
    assert said(done) == ("none", "likely")
    assert said(done, [], "") == ("none", "certain")


def test_a_clean_end_may_be_a_probes_doing(pod: Pod, ended: Make, said: Said) -> None:
    """So a Job's success is not certain while its probe could have ended it."""
    over = {"restartPolicy": "Never"}
    done = pod(ended(0), spec=over, status={"phase": "Succeeded"}, container=LIVENESS)
    assert said(done, [], "") == ("none", "likely")


ALL = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}


def test_a_rule_that_restarts_all_is_told(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """It hides the exit code of the container whose rule it is."""
    last = ended(137, "RestartingAllContainers")
    (verdict,) = verdicts(pod(last=last, restarts=1, container={"restartPolicyRules": [ALL]}))
    assert (verdict.cause, verdict.certainty) == ("exit", "likely")
    assert "[42]" in verdict.summary


@pytest.mark.parametrize(("rules", "owner"), [([ALL], "ruled"), ([], "another container")])
def test_a_container_that_is_restarted_with_the_others_is_told(
    rules: list[Any], owner: str, pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """Whose rule it was, as far as the spec tells."""
    made = pod(last=ended(137, "RestartingAllContainers"), restarts=1)
    made["spec"]["containers"].append({"name": "ruled", "restartPolicyRules": rules})
    verdict = verdicts(made, container="app")[0]
    assert verdict.cause == "signal"
    assert owner in verdict.summary


def test_an_old_restart_is_history(
    pod: Pod, ended: Make, said: Said, verdicts: Verdicts, later: Later
) -> None:
    """A day after the last one the pod is well; how it ended is told all the same."""
    made = pod({"running": {"startedAt": "2026-11-24T08:01:01Z"}}, ended(1), restarts=2)
    assert said(made, now=later(3600))[0] == "exit"
    (verdict,) = verdicts(made, now=later(200_000))
    assert verdict.cause == "none"
    assert verdict.summary.endswith("ended by itself with exit code 1")
    assert verdict.restarts == 2


def test_a_sidecar_that_ends_with_its_pod_is_well(pod: Pod, ended: Make, said: Said) -> None:
    """Kubelet ends it once the others are done."""
    spec = {
        "restartPolicy": "Never",
        "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
    }
    made = pod(ended(0), spec=spec, status={"phase": "Succeeded"})
    made["status"]["initContainerStatuses"] = [{"name": "proxy", "state": ended(143)}]
    assert said(made)[0] == "none"


def test_a_debug_container_that_ended_is_no_fault(pod: Pod, ended: Make, said: Said) -> None:
    """One that cannot have its image is."""
    made = pod()
    made["spec"]["ephemeralContainers"] = [{"name": "debug"}]
    made["status"]["ephemeralContainerStatuses"] = [{"name": "debug", "state": ended(1)}]
    assert said(made)[0] == "none"
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "x: not found"}}
    made["status"]["ephemeralContainerStatuses"][0]["state"] = waiting
    assert said(made)[0] == "image"
