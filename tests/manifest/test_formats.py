from __future__ import annotations

import pytest

from tcp_probe.manifest.formats import amount, is_label, is_label_key, is_name, is_port_name


def test_names_and_amounts_are_those_of_kubernetes() -> None:
    """At their limits, and just beyond."""
    assert is_label("a" * 63)
    assert not is_label("a" * 64)
    assert is_name("a.b-c.d")
    assert not is_name("a..b")
    assert not is_name("a" * 254)
    assert is_port_name("a" * 15)
    assert not is_port_name("a--b")
    assert is_label_key("example.com/name")
    assert not is_label_key("Example/name")
    assert not is_label_key("")
    amounts = {"1": 1, "100m": 0.1, "1Ki": 1024, "1.5k": 1500, "1e3": 1000, "2E": 2e18, "-1": -1}
    assert {text: amount(text) for text in amounts} == pytest.approx(amounts)
    assert [amount(text) for text in ("", "m", "1KB", "1 Gi", "1e9999999")] == [None] * 5
