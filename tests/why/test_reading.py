from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_probe.why.events import events_of
from tcp_probe.why.json_fields import number, text, time
from tcp_probe.why.judge import Evidence, judge
from tcp_probe.why.verdict import CAUSES, Verdict
from tcp_probe.why.words import between, moment, signal_of, span

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
KILLED = "Container app failed liveness probe, will be restarted"
LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 10}}


@pytest.mark.parametrize(
    "given_time",
    [
        "2026-11-24T08:53:08Z",
        "2026-11-24T08:53:08.000001Z",
        "2026-11-24T08:53:08.00000199999Z",
        "2026-11-24T09:53:08.1+01:00",
        "2026-11-24T08:53:08",
    ],
)
def test_a_time_is_read_with_and_without_fractions(given_time: str) -> None:
    """And with an offset; without one it is UTC."""
    read = time({"at": given_time}, "at")
    assert read
    assert read.replace(microsecond=0) == datetime(2026, 11, 24, 8, 53, 8, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "given_time", ["", "soon", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]
)
def test_what_is_no_time_is_none(given_time: str) -> None:
    """1970 stands for a container that never ran."""
    assert time({"at": given_time}, "at") is None


def test_a_field_of_another_type_is_empty() -> None:
    """Nothing that is read can stop a verdict."""
    assert text({"a": {"b": 3}}, "a", "b") == ""
    assert text([], "a") == ""
    assert number({"a": True}, "a", default=7) == 7
    assert number({"a": 10**40}, "a", default=7) == 7


@pytest.mark.parametrize("where", ["metadata", "spec", "status"])
@given(junk=JSON)
def test_a_pod_of_junk_gets_a_verdict(where: str, junk: Any) -> None:
    """Whatever stands in its parts."""
    for document in ({where: junk}, {where: {"containers": junk, "containerStatuses": [junk]}}):
        found = judge(Evidence(document, events_of({"items": [junk, {"reason": junk}]})))
        assert found
        assert {verdict.cause for verdict in found} <= set(CAUSES)


@given(state=JSON, last=JSON, probe=JSON)
def test_a_container_of_junk_gets_a_verdict(state: Any, last: Any, probe: Any) -> None:
    """Whatever it is said to have gone through."""
    spec = {"containers": [{"name": "app", "livenessProbe": {"tcpSocket": probe, "exec": probe}}]}
    for terminated in (
        last,
        {"exitCode": 137, "startedAt": last, "finishedAt": "2026-11-24T08:00:00Z"},
    ):
        status = {"state": state, "lastState": {"terminated": terminated}, "restartCount": 3}
        document = {"spec": spec, "status": {"containerStatuses": [{"name": "app", **status}]}}
        assert judge(Evidence(document, []))


@pytest.mark.parametrize("form", ["core", "series", "events.k8s.io"])
def test_an_event_is_read_in_each_of_its_forms(
    form: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """With count and times, with a series, and by the newer API."""
    made = pod({"waiting": {"reason": "CrashLoopBackOff"}}, ended(143, start=0), restarts=2)
    made["spec"]["containers"][0].update(LIVENESS)
    kill = event("Killing", KILLED, 60, first=30, count=2, warning=False)
    first, last = kill["firstTimestamp"], kill["lastTimestamp"]
    if form != "core":
        del kill["firstTimestamp"], kill["lastTimestamp"], kill["count"]
        kill["eventTime"] = first.replace("Z", ".000000Z")
        kill["series"] = {"count": 2, "lastObservedTime": last.replace("Z", ".000000Z")}
    if form == "events.k8s.io":
        del kill["series"], kill["eventTime"]
        kill |= {"regarding": kill.pop("involvedObject"), "note": kill.pop("message")}
        kill |= {"deprecatedCount": 2, "deprecatedFirstTimestamp": first}
        kill |= {"deprecatedLastTimestamp": last}
    (verdict,) = verdicts(made, [kill])
    assert (verdict.cause, verdict.certainty) == ("liveness", "certain")
    assert verdict.evidence[1] == "event: Killing x2, 08:00:30 to 08:01:00"


def test_events_that_were_combined_are_read(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Kubelet's client writes so before the last of many that are alike."""
    said = "(combined from similar events): Readiness probe failed: connection refused"
    made = pod(ready=False, container={"readinessProbe": {"tcpSocket": {"port": 1}}})
    assert verdicts(made, [event("Unhealthy", said, count=9)])[0].check == "refused"


def test_the_events_of_another_pod_are_not_taken(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Neither of one before it of the same name, nor of a Job, nor of another namespace."""
    evicted = event("Evicted", "low on memory", container=None)
    for other in ({"uid": "u2"}, {"kind": "Job"}, {"uid": "", "namespace": "dev"}):
        told = {**evicted, "involvedObject": {**evicted["involvedObject"], **other}}
        assert verdicts(pod(), [told], "")[0].cause == "none"
    nameless = {**evicted, "involvedObject": {"kind": "Pod", "name": "web"}}
    assert verdicts(pod(), [nameless], "")[0].cause == "evicted"


def test_events_without_a_time_keep_their_place(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """The last in the list counts."""
    first = event("Evicted", "low on memory", container=None)
    last = event("Evicted", "low on disk", container=None)
    for each in (first, last):
        del each["firstTimestamp"], each["lastTimestamp"]
    assert verdicts(pod(), [first, last])[0].summary.endswith("low on disk")


def test_a_status_without_a_spec_is_judged(ended: Make) -> None:
    """The name of the container stands in both."""
    status = {"name": "app", "restartCount": 1, "state": ended(1)}
    document = {"status": {"containerStatuses": [status]}}
    (verdict,) = judge(Evidence(document))
    assert (verdict.container, verdict.cause) == ("app", "exit")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(14, "14 s"), (180, "3 min"), (18_000, "5 h"), (260_000, "3 days")],
)
def test_a_span_is_written_as_a_reader_would(seconds: float, words: str) -> None:
    """In the unit that suits it."""
    assert span(seconds) == words


def test_times_that_are_not_known_are_said_to_be() -> None:
    """One of two is enough."""
    at = datetime(2026, 11, 24, 8, tzinfo=timezone.utc)
    assert moment(None) == "an unknown time"
    assert between(at, None) == "08:00:00"
    assert between(None, at) == "08:00:00"


def test_a_code_that_is_no_signal_has_no_name() -> None:
    """255 is just a number."""
    assert signal_of(255) == ""
    assert signal_of(1) == ""
