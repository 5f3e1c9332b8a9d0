from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Field


def environment(container: Field) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the variables with a value of their own, and the names of those without.

    A ConfigMap or Secret that is taken as a whole counts as a name, too.
    """
    values: dict[str, str] = {}
    unresolved: list[str] = []
    for source in container.items_of("envFrom"):
        kinds = ("configMapRef", "secretRef")
        references = [(kind[:-3], source.find(kind, "name")) for kind in kinds]
        unresolved += [f"all of {kind} {field.text()}" for kind, field in references if field]
    for variable in container.items_of("env"):
        name = variable.need("name").text()
        if variable.get("valueFrom"):
            unresolved.append(name)
        else:
            value = variable.get("value")
            values[name] = expand(value.text(), values) if value else ""
    return values, tuple(unresolved)


def search_path() -> str:
    """Return the PATH of a container here: its `python` is the one that rehearses."""
    here = Path(sys.executable).parent
    return os.pathsep.join([str(here), os.environ.get("PATH", os.defpath)])


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` as Kubernetes does: what is unknown stays, `$$` escapes."""

    def replace(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        return f"$({name})" if escaped else values.get(name, match.group())

    return re.sub(r"(\$?)\$\(([^()]*)\)", replace, text)
