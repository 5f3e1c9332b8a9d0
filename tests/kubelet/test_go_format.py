from __future__ import annotations

import pytest

from tcp_probe.kubelet.go_format import duration, joined, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sh -c true", '"sh -c true"'),
        ('say "hi"\\', r'"say \"hi\"\\"'),
        ("a\nb\tc\rd\ae\bf\fg\v", r'"a\nb\tc\rd\ae\bf\fg\v"'),
        ("Grüße ✓", '"Grüße ✓"'),
        ("\x00\x1b\x7f", r'"\x00\x1b\x7f"'),
        ("\x85\u200b\ufeff", r'"\u0085\u200b\ufeff"'),
        ("\U000e0001", r'"\U000e0001"'),
        (b"\xff\x80".decode(errors="surrogateescape"), r'"\xff\x80"'),
    ],
)
def test_a_text_is_quoted_as_by_go(text: str, shown: str) -> None:
    """What can be printed stays, the rest is escaped as %q does."""
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (1, "1s"),
        (10, "10s"),
        (90, "1m30s"),
        (300, "5m0s"),
        (3600, "1h0m0s"),
        (3661.5, "1h1m1.5s"),
        (0.2, "200ms"),
        (0.0015, "1.5ms"),
        (2e-6, "2µs"),
        (5e-9, "5ns"),
        (-2, "-2s"),
    ],
)
def test_seconds_are_written_as_go_writes_a_duration(seconds: float, shown: str) -> None:
    """With its largest unit first, and none that is not needed."""
    assert duration(seconds) == shown


def test_an_ipv6_address_gets_brackets() -> None:
    """Else its colons would run into that of the port."""
    assert joined("::1", 80) == "[::1]:80"
    assert joined("10.0.0.1", 80) == "10.0.0.1:80"
