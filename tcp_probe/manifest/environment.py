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


def static_environment(container: Field) -> dict[str, str]:
    """Return what an exec probe's command may refer to: each variable's value as it is written.

    One that comes from elsewhere is empty there, as kubelet does not look it up.
    """
    return {
        variable.need("name").text(): value.text() if (value := variable.get("value")) else ""
        for variable in container.items_of("env")
    }


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
    """Replace `$(NAME)` as Kubernetes does: what is unknown stays, and `$$` becomes `$`.

    Raises `ValueError` where that grows beyond what Linux passes to a process as one text.
    """

    def replace(match: re.Match[str]) -> str:
        return "$" if match[1] is None else values.get(match[1], match[0])

    expanded = re.sub(r"\$(?:\$|\(([^)]*)\))", replace, text)
    if len(expanded) > MOST_EXPANDED:
        raise ValueError(
            f"expected at most {MOST_EXPANDED:,} characters once its variables are filled in, "
            f"got {len(expanded):,}: no process can be started with more"
        )
    return expanded
