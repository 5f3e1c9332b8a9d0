from __future__ import annotations

import re
import sys
from typing import Any

from pages import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def as_the_index_shows_it() -> str:
    """Make the changes to the README that the build makes."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    hook = pyproject()["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    return text


def test_every_link_of_the_index_page_is_absolute() -> None:
    """Away from the repository each link of the README still leads to the same file of it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", as_the_index_shows_it())
    assert all(link.startswith("https://") for link in links)
    home = pyproject()["project"]["urls"]["Homepage"]
    raw = home.replace("github.com", "raw.githubusercontent.com")
    ours = [link for link in links if link.startswith((home, raw))]
    paths = [re.sub(rf"^({home}/blob|{raw})/main/", "", link) for link in ours]
    assert paths == re.findall(r"\]\((?!https?:)([^)]+)\)", readme)
    assert all((ROOT / path).is_file() for path in paths)
