from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from tcp_probe.kubelet.handlers import TcpSocket
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Container, Event, Outcome
from tcp_probe.rehearse.picture import MARGIN, MOST_REASONS, Mark, draw
from tcp_probe.rehearse.timeline import Span, Timeline
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = "{http://www.w3.org/2000/svg}"
LIVENESS = Probe("liveness", period=2, timeout=1)
REFUSED = (
    "Liveness probe failed: dial tcp 127.0.0.1:9090: connect: connection refused; "
    "exited with code 137"
)


def simulated(script: str, until: float) -> Timeline:
    container = Container("app", (LIVENESS,), grace=3)
    timeline = Timeline(container)
    simulation = Simulation(
        container, {"liveness": TcpSocket(9090)}, parse(script), on_check=timeline.check
    )
    for event in simulation.run(until):
        timeline.add(event)
    timeline.close(until)
    return timeline


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - drawn a moment ago


def drawn(timeline: Timeline, **more: Any) -> ET.Element:
    return parsed(draw("Pod app", [("a caption", timeline)], **more))


def of_class(svg: ET.Element, name: str) -> Iterator[ET.Element]:
    return (element for element in svg.iter() if element.get("class") == name)


def texts(svg: ET.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def moves(svg: ET.Element, result: str) -> int:
    """Count the dots of a result, beside the one in the legend."""
    paths = (path.get("d", "") for group in of_class(svg, result) for path in group)
    return sum(path.count("M") for path in paths) - 1


def test_a_picture_of_nothing_wrong() -> None:
    """A bar, a bar of readiness, and a dot for each check; the legend names no more than that."""
    svg = drawn(simulated("start=0", 20))
    assert texts(svg)[:2] == ["Pod app", "a caption"]
    assert texts(svg)[-3:] == ["running", "ready", "passed"]
    assert moves(svg, "passed") == 10
    [bar, _] = of_class(svg, "running")
    assert bar.get("height") == "18"
    assert [title.text for title in bar] == ["ran for 20 s"]


def test_a_picture_of_kills_and_back_off() -> None:
    """Each kill is numbered and its reason told; grace is hatched; a back-off shows its length."""
    svg = drawn(simulated("close=3,term=99", 60))
    assert len(list(of_class(svg, "grace"))) == 4 + 1
    shown = texts(svg)
    assert [text for text in shown if text.isdecimal() and text != "0"] == ["1", "2", "3", "4"]
    assert f"1\N{EN DASH}4  killed: {REFUSED}" in shown
    assert shown[-7:] == ["running", "grace", "back-off", "ready", "passed", "failed", "ended"]
    [gap, _] = of_class(svg, "back-off")
    assert gap.get("stroke-dasharray")
    assert any(re.fullmatch(r"\d+ s", text) for text in shown[:-7])


def test_what_runs_together_is_thinned_and_numbered_together() -> None:
    """An hour with many restarts is as readable as one with few."""
    svg = drawn(simulated("close=1,term=99", 3600))
    shown = texts(svg)
    assert any(re.fullmatch(r"1\N{EN DASH}\d", text) for text in shown)
    assert moves(svg, "failed") < 100
    numbers = [text for text in shown if re.fullmatch(r"[\d\N{EN DASH}, ]+", text) and text != "0"]
    assert len(numbers) < 20


def test_a_check_that_timed_out_has_a_tail_as_long_as_it_took() -> None:
    """It tells a queue that is full from a port that refuses, without colour."""
    svg = drawn(simulated("hang=3,backlog=0", 12))
    group, _ = of_class(svg, "timed-out")
    [path] = group.iter(f"{SVG}path")
    starts = re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", path.get("d", ""))
    assert len(starts) == 3
    assert all(float(end) - float(start) > 40 for start, end in starts)


def test_an_errored_check_has_a_shape_of_its_own() -> None:
    """It is no failure."""
    timeline = simulated("start=0", 10)
    timeline.check(3, 3.1, "liveness", Outcome(success=None))
    assert moves(drawn(timeline), "errored") == 1


def test_the_picture_explains_itself() -> None:
    """To those who hear it, too: a title, and what happened as text."""
    svg = drawn(simulated("close=1,term=99", 12))
    assert svg.get("role") == "img"
    title, description = svg[0], svg[1]
    assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == "Pod app"
    assert (description.text or "").startswith("a caption. 1: killed: Liveness probe failed")


def test_many_reasons_are_cut_short_and_long_ones_wrapped() -> None:
    """A picture has a page at most, and no text runs out of it."""
    timeline = Timeline(Container("app"))
    for number in range(12):
        timeline.add(Event(number, "Normal", "Started", "", number))
        message = f"Container app exited with code {number} <{'very ' * 30}long>"
        timeline.add(Event(number + 0.5, "Normal", "Exited", message, number))
    timeline.close(12)
    svg = drawn(timeline)
    shown = texts(svg)
    assert f"and {12 - MOST_REASONS} other reasons" in shown
    assert max(map(len, shown)) < 125
    indented = [each for each in svg.iter(f"{SVG}text") if each.get("x") == f"{MARGIN + 16}"]
    assert len(indented) == MOST_REASONS


def test_a_part_of_the_time_may_be_shown() -> None:
    """With a moment that is named, and times that count from it."""
    timeline = simulated("close=21,term=99", 100)
    # A back-off that lies outside is not shown.
    timeline.back_off.append(Span(0, 50))
    svg = drawn(timeline, began=60, ended=70, zero=65, mark=Mark(65, "here"))
    assert "here" in texts(svg)
    assert {"-2 s", "0", "2 s"} <= set(texts(svg))
    assert len(list(of_class(svg, "running"))) == 1 + 1
    assert not list(of_class(svg, "back-off"))


def test_several_containers_share_one_axis() -> None:
    """Their ends are numbered through, so that one list tells of all."""
    timelines = [simulated("close=1,term=99", 12), simulated("exit=9:3", 12)]
    timelines[0].stuck.append(timelines[0].running[0])
    svg = parsed(draw("Two", [("one", timelines[0]), ("two", timelines[1])]))
    shown = texts(svg)
    assert [text for text in shown if text.startswith(("1  killed", "2  exited"))] == [
        f"1  killed: {REFUSED}",
        "2  exited with code 3",
    ]
    assert "stuck" in shown


def test_the_colours_suit_a_dark_background_as_well() -> None:
    """Chosen by whoever shows the picture."""
    assert "@media (prefers-color-scheme: dark)" in draw("Nothing", [])
