"""Talks to a cluster through kubectl: a namespace, a pod, and what becomes of it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0
# An image may have to be pulled first; what becomes of a pod is counted from its start.
STARTS_WITHIN = 300.0
# What the pods of the lab keep to, whatever the cluster asks for where a namespace says nothing.
SECURITY = {"pod-security.kubernetes.io/enforce": "baseline"}
# A container that waits for one of these will not start by itself.
STUCK = (
    "CreateContainerConfigError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
)
Item = dict[str, Any]
Clock = Callable[[], float]


class ClusterError(Exception):
    """The cluster did not do what was asked; the message is kubectl's own, or says what to do."""


@dataclass(frozen=True)
class Change:
    """A pod or an event as it became, and when that was heard of."""

    time: float
    item: Item


@dataclass
class Watch:
    """Everything that became of one pod: its own changes, and its events'."""

    pods: list[Change] = field(default_factory=list)
    events: list[Change] = field(default_factory=list)

    @property
    def started_at(self) -> float | None:
        """When it was heard that a container of the pod runs, if so."""
        started = (each.time for each in self.events if each.item["reason"] == "Started")
        return next(started, None)

    @property
    def node(self) -> str:
        """The node on which the pod runs."""
        return str(self.pods[-1].item["spec"].get("nodeName", "")) if self.pods else ""

    @property
    def stuck(self) -> str | None:
        """Why no container of the pod can start, if so."""
        statuses = self.pods[-1].item["status"].get("containerStatuses", []) if self.pods else []
        for status in statuses:
            waiting = status["state"].get("waiting", {})
            if waiting.get("reason") in STUCK:
                return f"{status['image']}: {waiting['reason']}: {waiting.get('message', '')}"
        return None


class Cluster:
    """One namespace of a cluster. Every call of kubectl is bounded in time."""

    def __init__(
        self, kubectl: Sequence[str], namespace: str, clock: Clock = time.monotonic
    ) -> None:
        self._kubectl = kubectl
        self._clock = clock
        self.namespace = namespace

    @contextmanager
    def opened(self) -> Iterator[Cluster]:
        """Make the namespace; delete it whatever happens."""
        metadata = {"name": self.namespace, "labels": SECURITY}
        try:
            # Within: it may be there although its creation was not answered in time.
            self._create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            yield self
        finally:
            of = ("namespace", self.namespace)
            self.run("delete", *of, "--wait=false", "--ignore-not-found")

    def run(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl and return what it prints."""
        command = [*self._kubectl, "--request-timeout=30s", *arguments]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"{' '.join(command)}: no end within {PATIENCE:g} s") from None
        if done.returncode:
            raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Get something as JSON."""
        return json.loads(self.run("get", *arguments, "--output=json"))

    def recorded_from(self, node: str = "") -> str:
        """Say which versions are at work on a node, as a recording names them."""
        nodes = self.get("nodes")["items"]
        named = [each for each in nodes if each["metadata"]["name"] == node]
        info = (named or nodes)[0]["status"]["nodeInfo"]
        server = json.loads(self.run("version", "--output=json"))["serverVersion"]["gitVersion"]
        runtime = info["containerRuntimeVersion"].replace("://", " ")
        kernel = ".".join(info["kernelVersion"].split(".")[:2])
        kubelet = f"kubelet {info['kubeletVersion']}, kube-apiserver {server}"
        return f"{kubelet}, {runtime}, Linux {kernel}"

    def watch_pod(self, pod: Item, until: Callable[[Watch, float], bool], limit: float) -> Watch:
        """Create a pod, watch it until that holds or the time is over, and delete it.

        `until` is given how long the pod has run (s), as is `limit`.
        """
        name = pod["metadata"]["name"]
        watch = Watch()
        heard = threading.Event()
        selected = f"involvedObject.kind=Pod,involvedObject.name={name}"
        with (
            self._following("pods", f"metadata.name={name}", watch.pods, heard),
            self._following("events", selected, watch.events, heard),
        ):
            self._create(pod)
            try:
                created_at = self._clock()
                while True:
                    if watch.started_at is not None:
                        ran = self._clock() - watch.started_at
                        if ran > limit or until(watch, ran):
                            break
                    elif self._clock() - created_at > STARTS_WITHIN:
                        raise ClusterError(
                            f"{name}: no container has started within {STARTS_WITHIN:g} s: "
                            f"{_conditions(watch)}"
                        )
                    if watch.stuck:
                        raise ClusterError(
                            f"{watch.stuck}: give the cluster the image, or name another one in "
                            "TCP_PROBE_IMAGE"
                        )
                    heard.wait(0.5)
                    heard.clear()
            finally:
                of = f"--namespace={self.namespace}"
                self.run(of, "delete", "pod", name, "--wait=false", "--grace-period=1")
        return watch

    def _create(self, item: Item) -> None:
        namespace = [f"--namespace={self.namespace}"] if item["kind"] == "Pod" else []
        deadline = time.monotonic() + PATIENCE
        while not self._created([*namespace, "create", "--validate=ignore", "--filename=-"], item):
            if time.monotonic() > deadline:
                raise ClusterError(f"{self.namespace}: no default account within {PATIENCE:g} s")
            time.sleep(0.5)

    def _created(self, arguments: Sequence[str], item: Item) -> bool:
        try:
            self.run(*arguments, given=json.dumps(item))
        except ClusterError as error:
            # A new namespace gets it a moment later, and takes no pod without one.
            if 'serviceaccount "default" not found' not in str(error):
                raise
            return False
        return True

    @contextmanager
    def _following(
        self, kind: str, selector: str, changes: list[Change], heard: threading.Event
    ) -> Iterator[None]:
        command = [
            *self._kubectl,
            f"--namespace={self.namespace}",
            *("get", kind, f"--field-selector={selector}", "--output=json"),
            *("--watch", "--output-watch-events"),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            thread = threading.Thread(target=self._read, args=(process, changes, heard))
            thread.start()
            try:
                yield
            finally:
                process.terminate()
                thread.join(PATIENCE)

    def _read(
        self, process: subprocess.Popen[str], changes: list[Change], heard: threading.Event
    ) -> None:
        assert process.stdout
        rest = ""
        for line in process.stdout:
            rest += line
            # Some versions print an object on one line, others on many.
            if line[0] not in "{}":
                continue
            with suppress(json.JSONDecodeError):
                event = json.loads(rest)
                rest = ""
                if event["type"] != "DELETED":
                    changes.append(Change(self._clock(), event["object"]))
                    heard.set()


def _conditions(watch: Watch) -> str:
    conditions = watch.pods[-1].item["status"].get("conditions", []) if watch.pods else []
    told = [each["message"] for each in conditions if each.get("message")]
    return "; ".join(told) or "nothing was heard of it"
