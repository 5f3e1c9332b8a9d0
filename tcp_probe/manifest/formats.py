"""How names and amounts are written in Kubernetes."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,3})?")
_SUFFIXES = {
    **{suffix: 10.0**power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: 1000.0**power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": 1024.0**power for power, suffix in enumerate("KMGTPE", 1)},
}
MOST_LABEL = 63
MOST_NAME = 253
MOST_PORT_NAME = 15


def is_label(text: str) -> bool:
    """Say whether a text is a name such as those of containers and volumes."""
    return len(text) <= MOST_LABEL and _LABEL.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Say whether a text is a name such as those of pods: labels with dots between them."""
    return len(text) <= MOST_NAME and all(map(_LABEL.fullmatch, text.split(".")))


def is_port_name(text: str) -> bool:
    """Say whether a text is the name of a port: short, and with a letter."""
    short = len(text) <= MOST_PORT_NAME and "--" not in text
    return short and _PORT_NAME.fullmatch(text) is not None and not text.replace("-", "").isdigit()


def is_label_value(text: str) -> bool:
    """Say whether a text is the value of a label."""
    return len(text) <= MOST_LABEL and _LABEL_VALUE.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Say whether a text is the name of a label, after a domain perhaps."""
    domain, slash, name = text.rpartition("/")
    return bool(name) and is_label_value(name) and (not slash or is_name(domain))


def amount(text: str) -> float | None:
    """Return what an amount such as `100m` or `64Mi` comes to; None where it is none."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        return None
    number, suffix = found.groups(default="")
    if suffix in _SUFFIXES:
        return float(number) * _SUFFIXES[suffix]
    return float(number + suffix)
