from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, generate_latest

import tcp_probe
from tcp_probe.prometheus import ProbeCollector

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]


async def test_tells_checks_listening_and_refusals(checked: Checked, until: Until) -> None:
    """The collector gives the figures of each probe as they are when they are asked for."""
    registry = CollectorRegistry()
    async with tcp_probe.serve(0) as live, tcp_probe.serve(0) as ready:
        registry.register(ProbeCollector(live, ready))

        def value(name: str, probe: tcp_probe.Probe) -> float | None:
            return registry.get_sample_value(name, {"port": str(probe.port)})

        checked(live.port)
        await until(lambda: live.checks == 1)
        ready.fail("draining")
        assert value("tcp_probe_checks_total", live) == 1
        assert value("tcp_probe_checks_total", ready) == 0
        assert value("tcp_probe_listening", live) == 1
        assert value("tcp_probe_listening", ready) == 0
        assert value("tcp_probe_refusals_total", live) == 0
        assert value("tcp_probe_refusals_total", ready) == 1
        ready.recover()
        assert value("tcp_probe_listening", ready) == 1


async def test_can_be_exposed() -> None:
    """What it collects is a valid exposition, which says what each figure is."""
    registry = CollectorRegistry()
    async with tcp_probe.serve(0) as probe:
        registry.register(ProbeCollector(probe))
        text = generate_latest(registry).decode()
    assert text.splitlines() == [
        "# HELP tcp_probe_checks_total Checks answered.",
        "# TYPE tcp_probe_checks_total counter",
        f'tcp_probe_checks_total{{port="{probe.port}"}} 0.0',
        "# HELP tcp_probe_listening 1 while a check passes, else 0.",
        "# TYPE tcp_probe_listening gauge",
        f'tcp_probe_listening{{port="{probe.port}"}} 1.0',
        "# HELP tcp_probe_refusals_total Times the port began to refuse checks.",
        "# TYPE tcp_probe_refusals_total counter",
        f'tcp_probe_refusals_total{{port="{probe.port}"}} 0.0',
    ]
