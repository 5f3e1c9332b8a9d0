from __future__ import annotations

import pytest

from tcp_probe.kubelet import messages, recognise


@pytest.mark.parametrize(
    ("handler", "detail", "check"),
    [
        ("tcpSocket", messages.refused("10.0.0.1:9090"), "refused"),
        ("tcpSocket", messages.dial_timed_out("10.0.0.1:9090"), "timed out"),
        ("tcpSocket", "dial tcp 10.0.0.1:9090: connect: no route to host", "other"),
        ("httpGet", "HTTP probe failed with statuscode: 503", "status"),
        ("httpGet", messages.get_failed("http://10.0.0.1:80/", "EOF"), "reset"),
        ("httpGet", 'Get "https://10.0.0.1:80/": tls: first record does not look', "tls"),
        ("httpGet", 'Get "http://10.0.0.1/": context deadline exceeded', "timed out"),
        ("httpGet", "http: server gave HTTP response to HTTPS client", "tls"),
        ("exec", "dial tcp 127.0.0.1:9090: connect: connection refused", "command"),
        ("exec", 'command timed out: "sleep 10" timed out after 1s', "command timed out"),
        ("exec", 'command "sleep 10" timed out', "command timed out"),
        ("grpc", 'timeout: failed to connect service "10.0.0.1:9000" within 1s', "grpc"),
        ("", 'service unhealthy (responded with "NOT_SERVING")', "grpc"),
        ("", "dial tcp 10.0.0.1:9090: connect: connection refused", "refused"),
    ],
)
def test_a_failed_check_is_told_from_its_message(handler: str, detail: str, check: str) -> None:
    """By the handler of the probe first: a command may print anything."""
    assert recognise.check(handler, detail) == check


@pytest.mark.parametrize(
    ("message", "kind", "outcome"),
    [
        ("Liveness probe failed: broken\nworse\n", "liveness", "failed"),
        ("Startup probe errored: rpc error", "startup", "errored"),
        ("Readiness probe errored and resulted in unknown state: x", "readiness", "errored"),
        ("Liveness probe warning: Probe terminated redirects", "liveness", "warning"),
    ],
)
def test_a_report_is_read(message: str, kind: str, outcome: str) -> None:
    """Which probe, and whether it counts, before and since 1.33."""
    report = recognise.probe_report(message)
    assert report
    assert (report.kind, report.outcome) == (kind, outcome)


def test_what_is_no_report_is_none() -> None:
    """Another message tells of no check."""
    assert recognise.probe_report("Container started") is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Container app failed liveness probe, will be restarted", "liveness"),
        ("Container app failed startup probe, will be restarted", "startup"),
        ("Init container sidecar failed liveness probe", "liveness"),
        ("Stopping container app", None),
        ("FailedPostStartHook", None),
    ],
)
def test_the_probe_that_kills_is_read(message: str, kind: str | None) -> None:
    """From what kubelet says of a container, a sidecar, or one that is not restarted."""
    assert recognise.killing_probe(message) == kind


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("back-off 10s restarting failed container=app pod=x", 10),
        ("back-off 1m20s restarting failed container=app pod=x", 80),
        ("back-off 5m0s restarting failed container=app pod=x", 300),
        ("back-off 1h0m0s restarting failed container=app pod=x", 3600),
        ("back-off soon restarting failed container=app pod=x", None),
        ("Back-off restarting failed container", None),
    ],
)
def test_a_back_off_is_read(message: str, seconds: float | None) -> None:
    """As Go writes a duration."""
    assert recognise.back_off(message) == seconds


def test_no_duration_is_none() -> None:
    """An empty text is no duration, though every part of one may be missing."""
    assert recognise.seconds("") is None
