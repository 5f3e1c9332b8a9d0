"""Draw the picture of the README: one hang, seen by two listeners.

    python docs/pictures.py

writes hang.svg beside this file, from two simulated runs on one clock. Nothing in it is drawn by
hand: kubelet's rules decide what each worker gets.
"""

from __future__ import annotations

from pathlib import Path

from tcp_probe.kubelet.handlers import TcpSocket
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Container
from tcp_probe.rehearse.picture import Mark, draw
from tcp_probe.rehearse.time_axis import length
from tcp_probe.rehearse.timeline import Span, Timeline
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import parse

# The event loop blocks here, late enough for no second hang of a restarted worker to be shown.
HANG = 1800
BEGAN = HANG - 120
ENDED = HANG + 1140
# asyncio.start_server listens with a backlog of 100, and the loop never accepts again.
SNIPPET = f"hang={HANG},backlog=100"
# The loop's silence of 10 s is noticed at most 6.2 s later; the port then refuses.
OURS = f"close={HANG + 16.2:g},term=99"


def hang() -> str:
    """Return the picture as the text of an SVG file."""
    snippet, ours = _rehearsed(SNIPPET), _rehearsed(OURS)
    return draw(
        "An event loop blocks: what Kubernetes does about it, at its default settings",
        [
            (f"asyncio.start_server: {_verdict(snippet)}", snippet),
            (f"tcp_probe.serve(9090): {_verdict(ours)}", ours),
        ],
        began=BEGAN,
        ended=ENDED,
        zero=HANG,
        mark=Mark(HANG, "the event loop blocks"),
    )


def _rehearsed(script: str) -> Timeline:
    container = Container("worker", (Probe("liveness"),))
    timeline = Timeline(container)
    simulation = Simulation(
        container, {"liveness": TcpSocket(9090)}, parse(script), on_check=timeline.check
    )
    for event in simulation.run(ENDED):
        timeline.add(event)
    timeline.close(ENDED)
    timeline.stuck.append(Span(HANG, timeline.ends[0].time))
    return timeline


def _verdict(timeline: Timeline) -> str:
    passed = sum(
        check.result == "passed" and HANG < check.ended < timeline.ends[0].time
        for check in timeline.checks["liveness"]
    )
    killed = length(timeline.ends[0].time - HANG)
    restarted = length(timeline.grace[0].ended - HANG)
    checks = "check passes" if passed == 1 else "checks pass"
    return f"{passed} more {checks}; killed after {killed}, replaced after {restarted}"


if __name__ == "__main__":
    Path(__file__).with_name("hang.svg").write_text(hang(), encoding="utf-8")
