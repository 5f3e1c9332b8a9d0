from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from .timeline import Result

WIDTH = 800
# How many pixels a letter takes at a font size of 1, in the widest of the fonts named below.
LETTER = 0.6
# Told apart by shape and pattern, so that black and white will do; the colours are for comfort.
STYLE = """
.card { fill: #ffffff; stroke: #d0d7de }
text { fill: #1f2328; font-family: system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif }
.dim { fill: #59636e }
.grid { stroke: #dfe3e8 }
.rail { stroke: #c6ccd3 }
.running { fill: #3f7fd1 }
.stuck { fill: #b9cdea; stroke: #3f7fd1 }
.grace { fill: url(#tp-hatch); stroke: #3f7fd1 }
.hatch { stroke: #3f7fd1 }
.back-off { stroke: #59636e; fill: none }
.ready { fill: #2da44e }
.passed { stroke: #1a7f37 }
.failed { stroke: #c4161c; fill: none }
.timed-out { stroke: #b35900; fill: none }
.errored { stroke: #8250df; fill: none }
.end { fill: #c4161c }
.mark { stroke: #c4161c }
@media (prefers-color-scheme: dark) {
.card { fill: #0d1117; stroke: #3d444d }
text { fill: #f0f6fc }
.dim { fill: #9198a1 }
.grid { stroke: #262c36 }
.rail { stroke: #4a525c }
.running { fill: #5b9bea }
.stuck { fill: #24405f; stroke: #5b9bea }
.grace, .hatch { stroke: #5b9bea }
.back-off { stroke: #9198a1 }
.ready { fill: #3fb950 }
.passed { stroke: #56d364 }
.failed, .mark { stroke: #ff7b72 }
.timed-out { stroke: #f0a040 }
.errored { stroke: #bc8cff }
.end { fill: #ff7b72 }
}
"""


class Canvas:
    """An SVG picture with a title and a description, on a card of its own."""

    def __init__(self, title: str, description: str) -> None:
        self._svg = Element("svg")
        SubElement(self._svg, "title", id="tp-title").text = title
        SubElement(self._svg, "desc", id="tp-desc").text = description
        SubElement(self._svg, "style").text = STYLE
        tile = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
        turned = {"id": "tp-hatch", "patternTransform": "rotate(45)"}
        pattern = SubElement(SubElement(self._svg, "defs"), "pattern", {**tile, **turned})
        line = {"class": "hatch", "stroke-width": "3"}
        SubElement(pattern, "line", line, x1="1.5", x2="1.5", y1="0", y2="6")
        self._card = SubElement(self._svg, "rect", {"class": "card", "rx": "8"})

    def text(  # noqa: PLR0913 - as many as a text has
        self,
        x: float,
        y: float,
        text: str,
        kind: str = "",
        *,
        size: int = 12,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Write a line of text."""
        look = {"font-size": f"{size}", "text-anchor": anchor, "class": kind}
        if bold:
            look["font-weight"] = "600"
        look = {name: value for name, value in look.items() if value not in ("", "start")}
        SubElement(self._svg, "text", look, x=_number(x), y=_number(y)).text = text

    def bar(  # noqa: PLR0913, PLR0917 - as many as a bar has
        self, x: float, y: float, width: float, height: float, kind: str, hint: str
    ) -> None:
        """Draw a bar around the height `y`."""
        size = {"width": _number(max(width, 1)), "height": _number(height)}
        place = {"x": _number(x), "y": _number(y - height / 2)}
        drawn = SubElement(self._svg, "rect", {"class": kind, **place, **size})
        SubElement(drawn, "title").text = hint

    def line(  # noqa: PLR0913, PLR0917 - as many as a line has
        self, x1: float, y1: float, x2: float, y2: float, kind: str, dashes: str = ""
    ) -> None:
        """Draw a line, dashed or not."""
        ends = {"x1": _number(x1), "y1": _number(y1), "x2": _number(x2), "y2": _number(y2)}
        drawn = SubElement(self._svg, "line", {"class": kind, **ends})
        if dashes:
            drawn.attrib.update({"stroke-dasharray": dashes, "stroke-width": "1.5"})

    def dots(self, y: float, places: list[tuple[float, float]], result: Result, hint: str) -> None:
        """Draw a dot for each check, at its end; one that took its time has a tail."""
        look = {"class": result.replace(" ", "-"), "stroke-width": "1.8"}
        if result == "passed":
            look |= {"stroke-width": "5", "stroke-linecap": "round"}
        group = SubElement(self._svg, "g", look)
        SubElement(group, "title").text = hint
        path = ""
        for tail, x in places:
            if result == "passed":
                path += f"M{_number(x)} {_number(y)}h0"
            elif result == "failed":
                path += f"M{_number(x - 2.5)} {_number(y - 2.5)}l5 5m0-5l-5 5"
            elif result == "timed out":
                path += f"M{_number(min(tail, x - 3))} {_number(y)}H{_number(x - 3)}"
                path += "a3 3 0 1 1 6 0a3 3 0 1 1-6 0"
            else:
                path += f"M{_number(x - 3)} {_number(y + 3)}h6l-3-6z"
        SubElement(group, "path", d=path)

    def end(self, x: float, y: float, hint: str) -> None:
        """Draw a triangle that points down to where a container ended."""
        triangle = SubElement(
            self._svg, "path", {"class": "end"}, d=f"M{_number(x)} {_number(y)}l-4-7h8z"
        )
        SubElement(triangle, "title").text = hint

    def finish(self, height: float) -> str:
        """Return the text of an SVG file of that height."""
        card = {"x": "0.5", "y": "0.5", "width": f"{WIDTH - 1}", "height": _number(height - 1)}
        self._card.attrib.update(card)
        self._svg.attrib.update(
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": f"{WIDTH}",
                "height": _number(height),
                "viewBox": f"0 0 {WIDTH} {_number(height)}",
                "role": "img",
                "aria-labelledby": "tp-title tp-desc",
            }
        )
        for child in self._svg:
            child.tail = "\n"
        return tostring(self._svg, encoding="unicode") + "\n"


def _number(value: float) -> str:
    return f"{round(value, 1):g}"
