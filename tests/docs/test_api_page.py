from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator

import pytest
from pages import ROOT

import tcp_probe

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def documented(name: str) -> str:
    """Find what the page says under the heading of this name."""
    (section,) = re.findall(
        rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", API, re.DOTALL | re.MULTILINE
    )
    return str(section)


def names() -> Iterator[tuple[str, str]]:
    """Find every public name with what belongs to it: parameters, attributes, their parameters."""
    for name in tcp_probe.__all__:
        public = getattr(tcp_probe, name)
        if name.startswith("__"):
            continue
        if inspect.isfunction(public) or name == "serve":
            yield from ((name, parameter) for parameter in inspect.signature(public).parameters)
            continue
        for attribute, value in vars(public).items():
            if attribute.startswith("_"):
                continue
            yield name, attribute
            if inspect.isfunction(value):
                parameters = [
                    each for each in inspect.signature(value).parameters if each != "self"
                ]
                yield from ((name, parameter) for parameter in parameters)


@pytest.mark.parametrize(("name", "part"), list(names()))
def test_every_public_name_and_parameter_is_on_the_page(name: str, part: str) -> None:
    """The section of a public name tells of each of its parameters and attributes."""
    assert re.search(rf"`(?:\w+\.)?{part}(?:\(.*?\))?`", documented(name))


@pytest.mark.parametrize("name", sorted({name for name, _ in names()} - {"Probe", "Watchdog"}))
def test_the_signature_on_the_page_is_the_real_one(name: str) -> None:
    """Each default on the page is that of the code."""
    section = documented(name)
    for parameter in inspect.signature(getattr(tcp_probe, name)).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            assert f"{parameter.name}={parameter.default!r}".replace("'", '"') in section


@pytest.mark.parametrize("module", ["tcp_probe.celery", "tcp_probe.prometheus"])
def test_the_integrations_are_on_the_page(module: str) -> None:
    """Each name of a module apart is there, with each of its parameters."""
    section = documented(module)
    integration = importlib.import_module(module)
    for name in integration.__all__:
        assert f"`{name}(" in section
        for parameter in inspect.signature(getattr(integration, name)).parameters:
            assert f"`{parameter}`" in section
