"""Makes a recording of what became of a pod, in the format of the recordings beside the tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Item = dict[str, Any]
# Names the container of an event, where the pod has several.
Named = Callable[[str], Item]
CHECK = re.compile(
    r"(Liveness|Readiness|Startup) probe (failed|errored|warning)(.*?): (.*)", re.DOTALL
)
DELAY = re.compile(r"back-off (\S+) restarting")
REASONS = {"failed": "Unhealthy", "errored": "ProbeErrored", "warning": "ProbeWarning"}
KEPT = ("Started", "Killing", "FailedPostStartHook", "FailedPreStopHook")


def recording(watch: Any, pod: Item, worker: str | None, about: str, recorded_from: str) -> Item:
    """Return the whole of it; times are in seconds since the first start."""
    spec = pod["spec"]
    several = len((*spec.get("initContainers", []), *spec["containers"])) > 1

    def of(container: str) -> Item:
        return {"container": container} if several else {}

    told = (*_kubelets(watch, of), *_states(watch, of))
    events = sorted(told, key=lambda event: float(event["time"]))
    first = next(event["time"] for event in events if event["reason"] == "Started")
    for event in events:
        event["time"] = round(event["time"] - first, 2)
    kept = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod["metadata"]["name"]}}
    return {
        "recorded_from": recorded_from,
        "about": about,
        "worker": worker,
        "pod": {**kept, "spec": spec},
        "events": events,
        "api_events": _api_events(watch),
    }


def _kubelets(watch: Any, of: Named) -> Iterator[Item]:
    """Tell each event as often as it came: a repeated one has its count raised."""
    counts: dict[str, int] = {}
    addresses = _addresses(watch)
    for change in watch.events:
        event = change.item
        uid = event["metadata"]["uid"]
        count = event.get("count") or (event.get("series") or {}).get("count") or 1
        told = _told(event, addresses, of)
        for _ in range(count - counts.get(uid, 0) if told else 0):
            yield {"time": change.time, **(told or {})}
        counts[uid] = count


def _told(event: Item, addresses: list[str], of: Named) -> Item | None:
    message = event["message"]
    for address in addresses:
        message = message.replace(address, "POD")
    path = event["involvedObject"].get("fieldPath", "")
    container = re.search(r"\{(.+)\}", path)
    named = of(container[1]) if container else {}
    check = CHECK.fullmatch(message)
    if check:
        kind, verdict, _, detail = check.groups()
        detail = detail.rstrip("\n")
        told = {"reason": REASONS[verdict], "probe": kind.lower(), **named}
        return {**told, "detail": detail} if detail else told
    if event["reason"] in KEPT:
        detail = {} if event["reason"] == "Started" else {"detail": message}
        return {"reason": event["reason"], **named, **detail}
    return None


def _addresses(watch: Any) -> list[str]:
    found: dict[str, None] = {}
    for change in watch.pods:
        for entry in change.item["status"].get("podIPs", []):
            found[entry["ip"]] = None
    return list(found)


def _states(watch: Any, of: Named) -> Iterator[Item]:
    ready: dict[str, bool] = {}
    ended: set[str] = set()
    delays: dict[str, str | None] = {}
    for change in watch.pods:
        status = change.item["status"]
        for each in (
            *status.get("initContainerStatuses", []),
            *status.get("containerStatuses", []),
        ):
            name = each["name"]
            for state in (each["state"], each.get("lastState", {})):
                end = state.get("terminated")
                # An end is seen in the state, later in the last one, or in the last one alone.
                if end and end["containerID"] not in ended:
                    ended.add(end["containerID"])
                    codes = {"exit_code": end["exitCode"], "reason_of_end": end.get("reason")}
                    yield {"time": change.time, "reason": "Died", **of(name), **codes}
            if ready.get(name, False) != each["ready"]:
                ready[name] = each["ready"]
                yield {
                    "time": change.time,
                    "reason": "Ready" if each["ready"] else "NotReady",
                    **of(name),
                }
            waiting = DELAY.search(each["state"].get("waiting", {}).get("message", ""))
            delay = waiting[1] if waiting else None
            if delay and delays.get(name) != delay:
                yield {"time": change.time, "reason": "BackOff", **of(name), "detail": delay}
            delays[name] = delay


def _api_events(watch: Any) -> list[Item]:
    last = {change.item["metadata"]["uid"]: change.item for change in watch.events}
    return [
        {
            "type": event["type"],
            "reason": event["reason"],
            "message": event["message"],
            "count": event.get("count"),
            "fieldPath": event["involvedObject"].get("fieldPath"),
            "source": event.get("source", {}).get("component"),
        }
        for event in last.values()
    ]
