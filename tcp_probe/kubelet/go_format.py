"""How Go, in which kubelet is written, shows values in a message."""

from __future__ import annotations

ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}
ASCII = range(0x80)
BASIC_PLANE = range(0x10000)
# How Python keeps a byte that is no UTF-8 in a text.
LONE_BYTES = range(0xDC80, 0xDD00)


def quoted(text: str) -> str:
    r"""Write a text as Go's %q does.

    >>> quoted('sh -c "a\n"')
    '"sh -c \\"a\\n\\""'
    """
    return f'"{"".join(map(_escaped, text))}"'


def duration(seconds: float) -> str:
    """Write seconds as Go writes a duration: 500ms, 10s, 1m30s, 5m0s, 1h0m0s.

    >>> duration(90)
    '1m30s'
    """
    nanoseconds = round(seconds * 1_000_000_000)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 0:
        return f"-{duration(-seconds)}"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if nanoseconds < 1_000 * size:
            return f"{_decimal(nanoseconds, size)}{unit}"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 1_000_000_000)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def joined(host: str, port: int) -> str:
    """Write host and port as one, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _escaped(character: str) -> str:
    code = ord(character)
    if character in ESCAPES:
        return ESCAPES[character]
    if character.isprintable():
        return character
    if code in ASCII:
        return f"\\x{code:02x}"
    if code in LONE_BYTES:
        return f"\\x{code - LONE_BYTES[0] + len(ASCII):02x}"
    return f"\\u{code:04x}" if code in BASIC_PLANE else f"\\U{code:08x}"


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(unit)) - 1).rstrip('0')}"
