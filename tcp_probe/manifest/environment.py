from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Field


# Linux takes no longer text as an argument or a variable of a process.
MOST_EXPANDED = 128 * 1024


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
            values[name] = expanded(value, values) if value else ""
    return values, tuple(unresolved)


def search_path() -> str:
    """Return the PATH of a container here: its `python` is the one that rehearses."""
    here = Path(sys.executable).parent
    return os.pathsep.join([str(here), os.environ.get("PATH", os.defpath)])


def expanded(field: Field, values: Mapping[str, str]) -> str:
    """Return a text with `$(NAME)` replaced; complain at the field where it grows too long."""
    try:
        return expand(field.text(), values)
    except ValueError as error:
        field.fail(str(error))


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` as Kubernetes does: what is unknown stays, `$$` escapes.

    Raises `ValueError` where that grows beyond what Linux passes to a process as one text.
    """

    def replace(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        return f"$({name})" if escaped else values.get(name, match.group())

    expanded = re.sub(r"(\$?)\$\(([^()]*)\)", replace, text)
    if len(expanded) > MOST_EXPANDED:
        raise ValueError(
            f"expected at most {MOST_EXPANDED:,} characters once its variables are filled in, "
            f"got {len(expanded):,}: no process can be started with more"
        )
    return expanded
