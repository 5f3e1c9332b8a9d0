"""Metrics of a probe for `prometheus_client` (extra `prometheus`)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ._probe import Probe

__all__ = ("ProbeCollector",)


class ProbeCollector(Collector):
    """Collects from one or more probes, labelled with their port.

    - `tcp_probe_checks_total`: checks answered. A series that does not grow means that nobody
      checks, or that the checks do not reach this process.
    - `tcp_probe_listening`: 1 while a check passes, else 0.
    - `tcp_probe_refusals_total`: times the port began to refuse.

    Nothing is counted for it; the figures are read when Prometheus asks.

        async with tcp_probe.serve(9090) as live:
            collector = ProbeCollector(live)
            prometheus_client.REGISTRY.register(collector)
    """

    def __init__(self, *probes: Probe) -> None:
        self._probes = probes

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        checks = CounterMetricFamily("tcp_probe_checks", "Checks answered.", labels=["port"])
        listening = GaugeMetricFamily(
            "tcp_probe_listening", "1 while a check passes, else 0.", labels=["port"]
        )
        refusals = CounterMetricFamily(
            "tcp_probe_refusals", "Times the port began to refuse checks.", labels=["port"]
        )
        for probe in self._probes:
            port = [str(probe.port)]
            checks.add_metric(port, probe.checks)
            listening.add_metric(port, probe.listening)
            refusals.add_metric(port, probe.refusals)
        yield from (checks, listening, refusals)
