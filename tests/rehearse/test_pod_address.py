from __future__ import annotations

import socket

import pytest

from tcp_probe.rehearse.pod_address import OTHER_LOOPBACK, pod_address


def connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_worker_on_loopback_alone_does_not_answer_there() -> None:
    """Nor would it answer kubelet; one that listens on every interface answers."""
    address = pod_address()
    assert address
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not connects(address, server.getsockname()[1])
    everywhere = ("::", 0) if ":" in address else ("0.0.0.0", 0)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server(everywhere, family=family) as server:
        assert connects(address, server.getsockname()[1])


def test_without_a_network_another_address_of_loopback_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker on 127.0.0.1 does not answer there either."""
    monkeypatch.setattr("tcp_probe.rehearse.pod_address.ELSEWHERE", [])
    assert pod_address() == OTHER_LOOPBACK
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not connects(OTHER_LOOPBACK, server.getsockname()[1])


def test_where_nothing_will_do_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has no network and no other address of loopback."""
    monkeypatch.setattr("tcp_probe.rehearse.pod_address.ELSEWHERE", [(socket.AF_INET, "256.0.0.1")])
    monkeypatch.setattr("tcp_probe.rehearse.pod_address.OTHER_LOOPBACK", "192.0.2.99")
    assert pod_address() is None


def test_loopback_itself_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the routes of the machine say."""
    monkeypatch.setattr("tcp_probe.rehearse.pod_address.ELSEWHERE", [(socket.AF_INET, "127.0.0.1")])
    assert pod_address() == OTHER_LOOPBACK


@pytest.mark.usefixtures("ipv6")
def test_an_ipv6_address_may_stand_for_the_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has no other."""
    monkeypatch.setattr("tcp_probe.rehearse.pod_address._source", lambda *_: "::1")
    assert pod_address() == "::1"
