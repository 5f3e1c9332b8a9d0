"""The pages, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "manifests" / "README.md",
    ROOT / "benchmarks" / "README.md",
]


@dataclass(frozen=True)
class Block:
    """A block of code, and where it stands."""

    place: str
    language: str
    code: str


def blocks(language: str) -> list[Block]:
    """Find the blocks of all pages that are in this language, by the first word of the fence."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            place = f"{page.relative_to(ROOT)}:{line}"
            found.append(Block(place, match[1], match[2]))
    return [block for block in found if block.language == language]
