"""Which fields a workload has, of which type, and since which Kubernetes version.

From the schemas that Kubernetes publishes, as the package kubernetes-validate holds them; a test
compares and writes the table anew. That package itself does not take its place: it brings 108 MB
of schemas, one set a version, beside 18 kB here; it knows neither the line of a mistake nor the
version that brought a field; and it goes through each document once for each version asked about.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .allowed_values import check_amount, check_value
from .fields import Field, shown
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = Path(__file__).with_name("kubernetes_fields.txt")
# The versions that the table was made from; a field without a version has them all.
OLDEST = 25
NEWEST = 37
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "text": ((str,), "text"),
    "mapping": ((dict,), "a mapping"),
    "port": ((int, str), "a whole number or a name"),
    "quantity": ((int, float, str), "a number or text"),
}
# No name of a field is longer; to compare with one takes the square of its length.
LONGEST = 40
_FIELD = re.compile(r"(\w+)(!?) (\S+?)(?: 1\.(\d+))?(?:,|$)")


class FieldType(NamedTuple):
    """What a field takes, whether it has to be there, and the minor version that brought it.

    `kind` is one of `TYPES` or the name of a part; `[kind]` is a list and `{kind}` a mapping of it.
    """

    kind: str
    required: bool
    since: int


@cache
def table() -> dict[str, dict[str, FieldType]]:
    """Return the fields of each part of a workload."""
    parts: dict[str, dict[str, FieldType]] = {}
    fields: dict[str, FieldType] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            fields = parts[line] = {}
        for name, required, kind, since in _FIELD.findall(line) if line.startswith(" ") else ():
            fields[name] = FieldType(kind, bool(required), int(since or OLDEST))
    return parts


@cache
def _required(name: str) -> list[tuple[str, int]]:
    return [(each, since) for each, (_, required, since) in table()[name].items() if required]


def check_fields(
    field: Field, name: str, version: int | None = None, since: int = OLDEST
) -> Iterator[Finding]:
    """Find fields that are unknown, missing, of a wrong type, or newer than the cluster.

    `version` is the minor version of the cluster; without one, what newer ones have is a remark.
    `since` is the version that brought the part which is looked at.
    """
    known = table()[name]
    given = field.mapping()
    for each, brought in _required(name):
        if given.get(each) is None and brought <= (version or NEWEST):
            reason = f"a {name} has to have the field {each}"
            yield Finding.at(field, "missing-field", "error", reason, f"add {each}")
    for each, value in given.items():
        child = Field(field.document, (*field.path, each), value)
        if each in known:
            kind, _, brought = known[each]
            if brought > since:
                yield from _newer(child, brought, version)
            wrong = False
            for finding in _check_value(child, kind, version, max(since, brought)):
                wrong = True
                yield finding
            if value is not None and not wrong:
                yield from check_value(child, name)
        else:
            yield _unknown(child, name, known)


def _unknown(field: Field, name: str, known: dict[str, FieldType]) -> Finding:
    close = get_close_matches(str(field.path[-1])[:LONGEST], known, 1)
    reason = f"a {name} has no such field in Kubernetes 1.{OLDEST} to 1.{NEWEST}"
    fix = f"write {close[0]}" if close else "remove it, or move it to where it belongs"
    return Finding.at(field, "unknown-field", "error", reason, fix)


def _newer(field: Field, brought: int, version: int | None) -> Iterator[Finding]:
    if version is None:
        reason = f"Kubernetes has it from 1.{brought} on; an older version does not know it"
        fix = f"make sure that the cluster runs 1.{brought} or later"
        yield Finding.at(field, "newer-field", "info", reason, fix)
    elif brought > version:
        reason = f"Kubernetes has it from 1.{brought} on: 1.{version} does not know it"
        fix = f"remove it, or run 1.{brought} or later"
        yield Finding.at(field, "newer-field", "error", reason, fix)


def _check_value(field: Field, kind: str, version: int | None, since: int) -> Iterator[Finding]:
    if field.value is None:
        return
    if kind[0] in "[{":
        whole, expected = (list, "a list") if kind[0] == "[" else (dict, "a mapping")
        if not isinstance(field.value, whole):
            yield _wrong_type(field, expected)
            return
        for item in _inside(field):
            yield from _check_value(item, kind[1:-1], version, since)
    elif kind in TYPES:
        yield from _check_scalar(field, kind)
    elif isinstance(field.value, dict):
        yield from check_fields(field, kind, version, since)
    else:
        yield _wrong_type(field, "a mapping")


def _inside(field: Field) -> list[Field]:
    if isinstance(field.value, list):
        return field.items()
    return [Field(field.document, (*field.path, name), each) for name, each in field.value.items()]


def _check_scalar(field: Field, kind: str) -> Iterator[Finding]:
    types, expected = TYPES[kind]
    # In Python true is a number, too.
    if not isinstance(field.value, types) or isinstance(field.value, bool) != (kind == "boolean"):
        yield _wrong_type(field, expected)
    elif kind == "quantity":
        yield from check_amount(field)


def _wrong_type(field: Field, expected: str) -> Finding:
    reason = f"expected {expected}, got {shown(field.value)}"
    quotes = expected == "text" and isinstance(field.value, bool | int | float)
    fix = "write text: put it in quotes" if quotes else f"write {expected}"
    return Finding.at(field, "wrong-type", "error", reason, fix)
