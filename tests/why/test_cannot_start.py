from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PULL = 'failed to pull and unpack image "{0}": failed to resolve reference "{0}": '
SECRET = {"imagePullSecrets": [{"name": "regcred"}]}


def waits(pod: Pod, reason: str, message: str, **more: Any) -> dict[str, Any]:
    waiting = {"waiting": {"reason": reason, "message": message}}
    made = pod(waiting, **more)
    made["status"]["phase"] = "Pending"
    return made


@pytest.mark.parametrize(
    ("said", "means", "fix"),
    [
        ("registry.example/shop/web:1: not found", "no such tag", "Push the tag"),
        ("manifest unknown: manifest unknown", "no such tag", "Push the tag"),
        (
            "pull access denied, repository does not exist or may require authorization",
            "no such repository",
            "Mend the name",
        ),
        ("failed to authorize: 401 Unauthorized", "refuses this pod's", "imagePullSecrets"),
        ("unexpected status: 403 Forbidden", "refuses this pod's", "imagePullSecrets"),
        ("429 Too Many Requests - Server message: toomanyrequests", "rate limit", "mirror"),
        ("http: server gave HTTP response to HTTPS client", "does not trust", "CA"),
        ("x509: certificate signed by unknown authority", "does not trust", "CA"),
        ("dial tcp: lookup reg.local on 10.0.0.2:53: no such host", "DNS", "Mend the host"),
        ("dial tcp 10.0.0.1:443: i/o timeout", "cannot reach", "firewall"),
        ("no match for platform in manifest: not found", "platform", "buildx"),
        ("write /var/lib: no space left on device", "disk is full", "Free"),
        ("something new", "something new", "Mend what the message names"),
    ],
)
def test_a_pull_is_told_by_its_message(
    said: str, means: str, fix: str, pod: Pod, verdicts: Verdicts
) -> None:
    """Name, tag, rights, rate limit, network: each has its own fix."""
    (verdict,) = verdicts(waits(pod, "ErrImagePull", PULL.format("shop/web:1") + said))
    assert (verdict.cause, verdict.certainty) == ("image", "certain")
    assert means in verdict.summary
    assert fix in verdict.fix


def test_a_back_off_that_tells_the_error_is_enough(pod: Pod, verdicts: Verdicts) -> None:
    """Newer kubelets repeat the error while they wait."""
    said = (
        'Back-off pulling image "shop/web:1": ErrImagePull: registry.example/shop/web:1: not found'
    )
    assert "no such tag" in verdicts(waits(pod, "ImagePullBackOff", said))[0].summary


def test_a_back_off_is_told_by_the_event_before(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Older ones say the error in an event only."""
    pulls = waits(pod, "ImagePullBackOff", 'Back-off pulling image "shop/web:1"')
    assert "nothing read here says why" in verdicts(pulls)[0].summary
    told = event(
        "Failed", 'Failed to pull image "shop/web:1": registry.example/shop/web:1: not found'
    )
    rest = event("Failed", "Error: ErrImagePull")
    assert "no such tag" in verdicts(pulls, [told, rest])[0].summary


def test_a_name_that_cannot_be_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """Even where nothing but the reason is there."""
    assert "not a valid one" in verdicts(waits(pod, "InvalidImageName", ""))[0].summary


def test_an_image_that_may_not_be_pulled_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """With pull policy Never it has to be on the node."""
    said = 'Container image "shop/web:1" is not present with pull policy of Never'
    assert "not on the node" in verdicts(waits(pod, "ErrImageNeverPull", said))[0].summary


def test_a_pull_secret_that_is_missing_is_named(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """It has to be in the namespace of the pod, and kubelet says where it is not."""
    said = "Unable to retrieve some image pull secrets (regcred); attempting to pull may fail."
    told = event("FailedToRetrieveImagePullSecret", said, container=None)
    pulls = waits(pod, "ErrImagePull", "401 Unauthorized", spec=SECRET)
    (verdict,) = verdicts(pulls, [told])
    assert "its pull secret regcred is not in namespace prod" in verdict.summary
    assert verdict.fix.startswith("Create the Secret regcred in namespace prod")


def test_a_pull_secret_that_is_there_is_to_be_checked(pod: Pod, verdicts: Verdicts) -> None:
    """A wrong password looks like no right."""
    (verdict,) = verdicts(waits(pod, "ErrImagePull", "401 Unauthorized", spec=SECRET))
    assert "heck the Secret regcred in namespace prod" in verdict.fix


@pytest.mark.parametrize(
    ("said", "spec", "expired"),
    [
        ("denied: Your authorization token has expired. Reauthenticate.", {}, True),
        ("authorization failed: no basic auth credentials", {}, True),
        ("unexpected status from HEAD request: 401 Unauthorized", SECRET, True),
        ("name unknown: The repository does not exist in the registry", SECRET, False),
        ("401 Unauthorized", {}, False),
    ],
)
def test_the_token_of_ecr_expires(
    said: str, spec: dict[str, Any], expired: object, pod: Pod, verdicts: Verdicts
) -> None:
    """After twelve hours, so a Secret that was right stops working."""
    image = {"image": f"{ECR}/web:1"}
    (verdict,) = verdicts(waits(pod, "ErrImagePull", said, container=image, spec=spec))
    assert ("12 hours" in verdict.summary) is expired


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ('secret "db" not found', "Create the Secret db in namespace prod"),
        ('configmap "settings" not found', "Create the ConfigMap settings in namespace prod"),
        ("couldn't find key PASS in Secret prod/db", "Add the key PASS to the Secret db in prod"),
        ("couldn't find key MODE in ConfigMap prod/s", "Add the key MODE to the ConfigMap s in"),
        ("container has runAsNonRoot and image will run as root", "runAsUser"),
        ("failed to prepare subPath for volumeMount", "subPath"),
        ("something new", "Mend what the message names"),
    ],
)
def test_a_config_that_is_missing_is_named(
    message: str, fix: str, pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """Down to the very key."""
    told = [event("Failed", f"Error: {message}", count=3)]
    (verdict,) = verdicts(waits(pod, "CreateContainerConfigError", message), told)
    assert (verdict.cause, verdict.certainty) == ("config", "certain")
    assert message in verdict.summary
    assert fix in verdict.fix


def test_a_config_without_a_message_is_told_by_its_event(
    pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """The event says the same."""
    made = waits(pod, "CreateContainerConfigError", "")
    assert "nothing says why" in verdicts(made)[0].summary
    told = [event("Failed", 'Error: secret "db" not found')]
    assert "Create the Secret db" in verdicts(made, told)[0].fix


RUNC = "OCI runtime create failed: runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("message", "summary", "fix"),
    [
        (
            RUNC + 'exec: "serve": executable file not found in $PATH: unknown',
            "serve: exec",
            "serve",
        ),
        (RUNC + 'exec: "/run.sh": permission denied: unknown', "/run.sh: permission", "chmod +x"),
        ("failed to start: exec format error", "exec format error", "platform"),
        ("failed to generate spec: no command specified", "no command", "Give the container a"),
        ("something new", "start: something new", "Mend what the message names"),
    ],
)
def test_a_command_that_cannot_run_is_named(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    message: str, summary: str, fix: str, pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """Missing, not executable, or of another platform."""
    told = [event("Failed", f"Error: {message}")]
    (verdict,) = verdicts(waits(pod, "RunContainerError", message), told)
    assert (verdict.cause, verdict.certainty) == ("start", "certain")
    assert summary in verdict.summary
    assert fix in verdict.fix


def test_a_failed_start_is_told_in_its_back_off(pod: Pod, verdicts: Verdicts) -> None:
    """The container never ran, though it was restarted: its start is 1970."""
    last = {
        "terminated": {
            "exitCode": 128,
            "reason": "StartError",
            "message": 'exec: "serve": executable file not found in $PATH: unknown',
            "startedAt": "1970-01-01T00:00:00Z",
        }
    }
    (verdict,) = verdicts(pod({"waiting": {"reason": "CrashLoopBackOff"}}, last, restarts=3))
    assert verdict.cause == "start"
    assert verdict.summary.endswith("serve: executable file not found in $PATH")


HOOK = {"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}
CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}


def test_a_hook_is_told_by_the_waiting_reason(pod: Pod, verdicts: Verdicts) -> None:
    """The API states it."""
    (verdict,) = verdicts(waits(pod, "PostStartHookError", "exit 1", container=HOOK))
    assert (verdict.cause, verdict.certainty) == ("hook", "certain")
    assert "(exec)" in verdict.summary


@pytest.mark.parametrize(("first", "last"), [(60, 60), (10, 90)])
def test_a_hook_is_told_by_its_event(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    first: int, last: int, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """It came as the container ended, or several came around that."""
    count = 1 if first == last else 4
    told = [event("FailedPostStartHook", "PostStartHook failed", last, first=first, count=count)]
    made = pod(CRASHING, ended(0), restarts=4, container={"lifecycle": {"postStart": {"x": 1}}})
    (verdict,) = verdicts(made, told)
    assert (verdict.cause, verdict.certainty) == ("hook", "certain")


def test_a_hook_that_fails_now_is_told_by_its_event(
    pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """Before the API tells of any end."""
    told = [event("FailedPostStartHook", "PostStartHook failed")]
    (verdict,) = verdicts(pod(CRASHING, container=HOOK), told)
    assert (verdict.cause, verdict.certainty) == ("hook", "likely")


def test_a_hook_of_long_ago_is_not_the_cause(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """What ended the container last counts."""
    told = [event("FailedPostStartHook", "PostStartHook failed", 10)]
    made = pod(CRASHING, ended(1, start=500, end=600), restarts=4, container=HOOK)
    assert verdicts(made, told)[0].cause == "exit"
    del made["status"]["containerStatuses"][0]["lastState"]["terminated"]["finishedAt"]
    assert verdicts(made, told)[0].cause == "exit"


def test_a_container_that_waits_for_nothing_that_is_told_is_unknown(
    pod: Pod, verdicts: Verdicts
) -> None:
    """It says what would tell."""
    (verdict,) = verdicts(waits(pod, "ContainerCreating", ""))
    assert (verdict.cause, verdict.certainty) == ("unknown", "possible")
    assert "Its events tell" in verdict.fix


def first_and_app(pod: Pod, state: dict[str, Any], last: dict[str, Any] | None = None) -> Any:
    made = waits(pod, "PodInitializing", "", spec={"initContainers": [{"name": "first"}]})
    made["status"]["initContainerStatuses"] = [
        {
            "name": "first",
            "restartCount": 2,
            "ready": False,
            "state": state,
            "lastState": last or {},
        }
    ]
    return made


def test_a_pod_whose_init_container_fails_is_told_by_that(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """Not by the container that waits for it."""
    (verdict,) = verdicts(first_and_app(pod, CRASHING, ended(1)))
    assert (verdict.container, verdict.cause) == ("first", "exit")


def test_a_pod_whose_init_container_runs_waits_for_it(pod: Pod, verdicts: Verdicts) -> None:
    """Nothing is known to be wrong; its log would tell."""
    (verdict,) = verdicts(first_and_app(pod, {"running": {}}))
    assert (verdict.container, verdict.cause) == ("first", "unknown")
    assert "kubectl logs web -n prod -c first" in verdict.fix


def test_the_app_is_told_where_it_cannot_start_after_init(pod: Pod, verdicts: Verdicts) -> None:
    """Reasons of its own count, whatever waits before it."""
    made = first_and_app(pod, {"running": {}})
    made["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] = "ContainerCreating"
    assert [verdict.container for verdict in verdicts(made)] == ["first"]
