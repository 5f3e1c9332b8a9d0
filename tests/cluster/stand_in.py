"""A stand-in for a cluster: just enough of the Kubernetes API for kubectl, with a pod that replays.

Whatever pod is created goes through a recording, `speed` times as fast. What a real API server
would answer otherwise is of no interest here; requests that it does not know get a 404.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Item = dict[str, Any]
ADDRESS = "10.244.0.7"
VERBS = ["create", "delete", "get", "list", "watch"]
RESOURCES = [
    ("namespaces", "Namespace", False),
    ("nodes", "Node", False),
    ("pods", "Pod", True),
    ("events", "Event", True),
]
NODE_INFO = {
    "kubeletVersion": "v1.36.2",
    "containerRuntimeVersion": "containerd://2.1.4",
    "kernelVersion": "6.18.3-amd64",
}
MESSAGES = {"Started": "Container started"}
VERDICTS = {"Unhealthy": "failed", "ProbeErrored": "errored and resulted in unknown state"}


class StandIn(ThreadingHTTPServer):
    """Serves the API on a port of 127.0.0.1, and keeps what was created and deleted."""

    daemon_threads = True

    def __init__(self, recording: Item, speed: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.recording = recording
        self.speed = speed
        self.calls: list[str] = []
        self.stuck: str | None = None
        self.news = threading.Condition()
        self.told: list[tuple[str, str, Item]] = []
        self.over = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def tell(self, kind: str, change: str, item: Item) -> None:
        with self.news:
            self.told.append((kind, change, json.loads(json.dumps(item))))
            self.news.notify_all()

    def replay(self, pod: Item) -> None:
        Replay(self, pod).run()


@contextmanager
def served(recording: Item, speed: float) -> Iterator[StandIn]:
    """Serve a recording while the body runs."""
    server = StandIn(recording, speed)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.over = True
        with server.news:
            server.news.notify_all()
        server.shutdown()
        server.server_close()
        thread.join()


class Replay:
    """Lets a pod go through a recording."""

    def __init__(self, server: StandIn, pod: Item) -> None:
        self.server = server
        self.pod = pod
        self.counts: dict[str, int] = {}
        self.instance = 0
        self.status = {
            "name": pod["spec"]["containers"][0]["name"],
            "image": pod["spec"]["containers"][0]["image"],
            "ready": False,
            "restartCount": 0,
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {},
        }
        pod["status"] = {"podIPs": [{"ip": ADDRESS}], "containerStatuses": [self.status]}

    def run(self) -> None:
        self.server.tell("pods", "ADDED", self.pod)
        if self.server.stuck:
            self.status["state"] = {"waiting": {"reason": self.server.stuck, "message": "no"}}
            self.server.tell("pods", "MODIFIED", self.pod)
            return
        began = time.monotonic()
        for event in self.server.recording["events"]:
            due = began + event["time"] / self.server.speed
            while not self.server.over and time.monotonic() < due:
                time.sleep(min(0.05, max(due - time.monotonic(), 0)))
            if self.server.over:
                return
            self.happen(event)

    def happen(self, event: Item) -> None:
        reason = event["reason"]
        if reason in ("Ready", "NotReady"):
            self.status["ready"] = reason == "Ready"
        elif reason == "Died":
            ended = {
                "exitCode": event["exit_code"],
                "reason": "Error" if event["exit_code"] else "Completed",
            }
            container = {"containerID": f"containerd://{self.instance}", "finishedAt": "then"}
            self.status["lastState"] = {"terminated": {**ended, **container}}
            self.instance += 1
        elif reason == "BackOff":
            text = f"back-off {event['detail']} restarting failed container=worker pod=worker_ns(1)"
            self.status["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
        elif reason in ("Started", "Unhealthy", "ProbeErrored", "Killing"):
            if reason == "Started":
                self.status["state"] = {"running": {}}
            return self.tell(reason, self.message(event))
        return self.server.tell("pods", "MODIFIED", self.pod)

    def message(self, event: Item) -> str:
        detail = str(event.get("detail", "")).replace("POD", ADDRESS)
        if "probe" in event:
            return f"{event['probe'].capitalize()} probe {VERDICTS[event['reason']]}: {detail}"
        return MESSAGES.get(event["reason"], detail)

    def tell(self, reason: str, message: str) -> None:
        count = self.counts[message] = self.counts.get(message, 0) + 1
        name = self.status["name"]
        item = {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": f"event-{len(self.counts)}", "uid": message},
            "involvedObject": {"kind": "Pod", "fieldPath": f"spec.containers{{{name}}}"},
            "type": "Warning" if reason == "Unhealthy" else "Normal",
            "reason": reason,
            "message": message,
            "count": count,
            "source": {"component": "kubelet"},
        }
        self.server.tell("events", "ADDED" if count == 1 else "MODIFIED", item)
        if reason == "Started":
            self.server.tell("pods", "MODIFIED", self.pod)


class Handler(BaseHTTPRequestHandler):
    """Answers one request of kubectl."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if query.get("watch"):
            # kubectl is ended when enough was seen.
            with suppress(OSError):
                self.watch(url.path.rpartition("/")[2])
        elif url.path in ANSWERS:
            self.answer(200, ANSWERS[url.path])
        elif url.path.endswith(("/pods", "/events")):
            kind = url.path.rpartition("/")[2]
            self.answer(200, {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []})
            self.server.calls.append(f"list {kind}")
        elif "/pods/" in url.path:
            self.answer(200, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "pod"}})
        else:
            self.answer(404, status("NotFound", 404))

    def do_POST(self) -> None:
        item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append(f"create {item['kind']} {item['metadata']['name']}")
        self.answer(201, item)
        if item["kind"] == "Pod":
            threading.Thread(target=self.server.replay, args=(item,), daemon=True).start()

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.calls.append(f"delete {urlsplit(self.path).path}")
        self.answer(200, status("Success", 200))

    def watch(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        while not self.server.over:
            with self.server.news:
                while not self.server.over and len(self.server.told) == sent:
                    self.server.news.wait(1)
                told, sent = self.server.told[sent:], len(self.server.told)
            for of_kind, change, item in told:
                if of_kind == kind:
                    line = json.dumps({"type": change, "object": item}).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                    self.wfile.flush()
        self.close_connection = True

    def answer(self, code: int, value: Item) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def status(reason: str, code: int) -> Item:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success" if reason == "Success" else "Failure",
        "reason": reason,
        "code": code,
    }


ANSWERS: dict[str, Item] = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.2"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": name, "kind": kind, "namespaced": namespaced, "verbs": VERBS}
            for name, kind, namespaced in RESOURCES
        ],
    },
    "/api/v1/nodes": {
        "kind": "NodeList",
        "apiVersion": "v1",
        "metadata": {},
        "items": [
            {
                "kind": "Node",
                "apiVersion": "v1",
                "metadata": {"name": "node"},
                "status": {"nodeInfo": NODE_INFO},
            }
        ],
    },
}
