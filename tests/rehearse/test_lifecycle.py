from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.messages import CONTAINER_EXITED
from tcp_probe.kubelet.steps import Event, Outcome
from tcp_probe.kubelet.versions import Rules
from tcp_probe.manifest.workload import load
from tcp_probe.rehearse.container_run import ContainerRun, Part
from tcp_probe.rehearse.rehearsal import Rehearsal

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
PYTHON = (sys.executable, "-S", "-u", "-c")
KILLED = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
PATIENCE = 60.0


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the command does."""
    return "asyncio"


class Witness:
    """Keeps what is reported, and ends the rehearsal with an event or a line."""

    def __init__(self, until: str) -> None:
        self.until = until
        self.events: list[Event] = []
        self.lines: list[str] = []
        self.remarks: list[str] = []
        self.rehearsal: Rehearsal | None = None

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.over(event.reason)

    def check(self, *_: object) -> None:
        pass

    def output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        self.lines.append(line)
        self.over(line)

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def over(self, what: str) -> None:
        if what == self.until and self.rehearsal:
            self.rehearsal.stop()

    async def watch(self, file: str, command: tuple[str, ...], **options: Any) -> Event:
        """Return the event that ended it, or else the last one."""
        self.rehearsal = Rehearsal([Part(load(file), command, self)], **options)
        await self.rehearsal.run(PATIENCE)
        ended = [event for event in self.events if event.reason == self.until]
        return (ended or self.events)[-1]


async def test_a_hook_after_the_start_is_run(manifest: Manifest, pod: Pod) -> None:
    """The container is ready only after it."""
    lifecycle = {"postStart": {"exec": {"command": ["sleep", "3"]}}}
    ready = await Witness("Ready").watch(manifest(pod(lifecycle=lifecycle)), ("sleep", "100"))
    assert ready.time >= 3


@pytest.mark.parametrize("hook", [{"exec": {"command": ["false"]}}, {"tcpSocket": {"port": 1}}])
async def test_a_hook_after_the_start_that_fails_ends_the_container(
    hook: dict[str, Any], manifest: Manifest, pod: Pod
) -> None:
    """A tcpSocket hook always does: kubelet cannot run one."""
    witness = Witness("Exited")
    document = pod({"shareProcessNamespace": True}, lifecycle={"postStart": hook})
    await witness.watch(manifest(document), ("sleep", "100"))
    reasons = [event.reason for event in witness.events]
    assert reasons == ["Started", "FailedPostStartHook", "Killing", "Exited"]


async def test_a_container_that_ends_first_ends_its_hook(manifest: Manifest, pod: Pod) -> None:
    """Which may wait for the container, and for ever."""
    witness = Witness("Exited")
    lifecycle = {"postStart": {"sleep": {"seconds": 1000}}}
    command = (*PYTHON, "import time; time.sleep(0.3)")
    await witness.watch(manifest(pod(lifecycle=lifecycle)), command)
    assert [event.reason for event in witness.events][:2] == ["Started", "Exited"]


async def test_the_stop_signal_is_sent(manifest: Manifest, pod: Pod) -> None:
    """In place of SIGTERM."""
    lifecycle = {"stopSignal": "SIGUSR1"}
    spec = {"shareProcessNamespace": True}
    document = pod(spec, livenessProbe=KILLED, lifecycle=lifecycle)
    exited = await Witness("Exited").watch(manifest(document), ("sleep", "100"))
    assert exited.message.endswith("exited with code 138")


async def test_at_the_end_the_hook_before_sigterm_is_run(
    manifest: Manifest, pod: Pod, tmp_path: Any
) -> None:
    """As when a pod is deleted."""
    file = tmp_path / "said"
    lifecycle = {"preStop": {"exec": {"command": ["sh", "-c", f"echo goodbye > {file}"]}}}
    document = pod({"shareProcessNamespace": True}, lifecycle=lifecycle)
    await Witness("Ready").watch(manifest(document), ("sleep", "100"))
    assert file.read_text() == "goodbye\n"


TELLS = """
import os, sys
print('last words')
with open(os.environ['TCP_PROBE_TERMINATION_LOG'], 'w') as file:
    file.write('x' * 5000 if sys.argv[1:] == ['long'] else 'why')
sys.exit(3)
"""


async def test_a_termination_message_is_shown_with_the_exit(manifest: Manifest, pod: Pod) -> None:
    """As describe shows it, 4096 bytes at most, and each container begins with none."""
    file = manifest(pod({"restartPolicy": "Never"}))
    witness = Witness("never")
    await witness.watch(file, (*PYTHON, TELLS))
    [exited] = [event for event in witness.events if event.reason == "Exited"]
    assert exited.termination_message == "why"
    witness = Witness("never")
    await witness.watch(file, (*PYTHON, TELLS, "long"))
    [exited] = [event for event in witness.events if event.reason == "Exited"]
    assert exited.termination_message == "x" * 4096


async def test_the_log_may_stand_in_for_a_termination_message(manifest: Manifest, pod: Pod) -> None:
    """Where the manifest asks for that, and the container ends with an error without one."""
    fields = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    file = manifest(pod({"restartPolicy": "Never"}, **fields))
    for code, message in ((3, "last words\n"), (0, "")):
        witness = Witness("never")
        lines = f"import sys; print('last words'); sys.exit({code})"
        await witness.watch(file, (*PYTHON, lines))
        [exited] = [event for event in witness.events if event.reason == "Exited"]
        assert exited.termination_message == message


async def test_a_termination_log_that_is_gone_is_no_message(manifest: Manifest, pod: Pod) -> None:
    """A worker may remove what it likes."""
    witness = Witness("never")
    lines = "import os; os.unlink(os.environ['TCP_PROBE_TERMINATION_LOG'])"
    await witness.watch(manifest(pod({"restartPolicy": "Never"})), (*PYTHON, lines))
    [exited] = [event for event in witness.events if event.reason == "Exited"]
    assert exited.termination_message == ""


async def test_an_exec_probe_gets_static_variables_filled_in(manifest: Manifest, pod: Pod) -> None:
    """Once: one from the cluster is empty for it; an unknown one, or one after $$, stays."""
    key = {"secretKeyRef": {"name": "s", "key": "k"}}
    env = [{"name": "A", "value": "one"}, {"name": "B", "valueFrom": key}]
    line = "echo '<$(A)><$(B)><$(C)><$$(A)>'; exit 1"
    probe = {**KILLED, "exec": {"command": ["sh", "-c", line]}, "timeoutSeconds": 20}
    file = manifest(pod({"shareProcessNamespace": True}, env=env, livenessProbe=probe))
    unhealthy = await Witness("Unhealthy").watch(file, ("sleep", "100"))
    assert unhealthy.message == "Liveness probe failed: <one><><$(C)><$(A)>\n"


async def test_a_container_knows_its_pod(manifest: Manifest, pod: Pod) -> None:
    """Its address is the one at which it is checked."""
    fields = ("status.podIP", "metadata.name", "metadata.labels['x']")
    env = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in zip(("IP", "NAME", "LABEL"), fields, strict=True)
    ]
    witness = Witness("never")
    script = "import os; print(*(os.environ.get(name) for name in ('IP', 'NAME', 'LABEL')))"
    file = manifest(pod({"restartPolicy": "Never"}, env=env))
    await witness.watch(file, (*PYTHON, script), address="127.0.0.9")
    assert witness.lines == ["127.0.0.9 worker None"]


async def test_a_host_that_the_manifest_names_is_checked(manifest: Manifest, pod: Pod) -> None:
    """Any other check goes to the pod's address."""
    for host in ({}, {"host": "0.0.0.0"}):
        probe = {**KILLED, "tcpSocket": {"port": 1, **host}}
        del probe["exec"]
        file = manifest(pod({"shareProcessNamespace": True}, livenessProbe=probe))
        unhealthy = await Witness("Unhealthy").watch(file, ("sleep", "9"), address="127.0.0.9")
        assert f"dial tcp {host.get('host', '127.0.0.9')}:1: " in unhealthy.message


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            {"tcpSocket": {"host": "127.0.0.1"}},
            "dial tcp 127.0.0.1:PORT: connect: connection refused",
        ),
        (
            {"httpGet": {"host": "localhost"}},
            'Get "http://localhost:PORT/": dial tcp localhost:PORT: connect: connection refused',
        ),
    ],
)
async def test_loopback_as_a_probes_host_is_the_nodes_own(
    action: dict[str, Any], message: str, manifest: Manifest, pod: Pod, free_port: int
) -> None:
    """The worker does listen there, and in a cluster nobody would ask it."""
    [(name, fields)] = action.items()
    probe = {name: {**fields, "port": free_port}, "periodSeconds": 1, "failureThreshold": 1}
    listen = f"import socket, time; s = socket.create_server(('', {free_port})); time.sleep(99)"
    witness = Witness("Unhealthy")
    file = manifest(pod(livenessProbe=probe))
    unhealthy = await witness.watch(file, (*PYTHON, listen))
    told = message.replace("PORT", str(free_port))
    assert unhealthy.message == f"Liveness probe failed: {told}"
    assert "remove `host`" in witness.remarks[0]


async def test_with_the_nodes_network_it_is_the_pods(
    manifest: Manifest, pod: Pod, free_port: int
) -> None:
    """Then they are the same."""
    probe = {"tcpSocket": {"host": "127.0.0.1", "port": free_port}, "periodSeconds": 1}
    listen = f"import socket, time; s = socket.create_server(('', {free_port})); time.sleep(99)"
    file = manifest(pod({"hostNetwork": True}, readinessProbe=probe))
    ready = await Witness("Ready").watch(file, (*PYTHON, listen))
    assert ready.reason == "Ready"


class NoStage:
    """Where nothing runs."""

    address = "127.0.0.1"
    speed = 1.0

    def __init__(self) -> None:
        self.called: list[Any] = []

    def now(self) -> float:
        return 0

    def call(self, _: object, call: Any) -> None:
        self.called.append(call)


async def test_a_command_is_not_run_in_a_container_that_has_ended(
    manifest: Manifest, pod: Pod, tmp_path: Any
) -> None:
    """It is asked for until kubelet has seen the end, which is told that there is no container."""
    workload = load(manifest(pod(livenessProbe=KILLED)))
    stage: Any = NoStage()
    witness = Witness("never")
    run = ContainerRun(Part(workload, ("true",), witness), stage, 1, Rules(), tmp_path)
    await run._run_check(workload.container.probes[0])
    [call] = stage.called
    assert call.keywords["outcome"] == Outcome(success=None, message=CONTAINER_EXITED)
