"""Medians, quartiles and percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

Spread = dict[str, float]


def spread(values: Sequence[float]) -> Spread:
    """Summarise what the rounds of one measurement gave."""
    lower, _, upper = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {
        "median": median(values),
        "lower_quartile": lower,
        "upper_quartile": upper,
        "least": min(values),
        "rounds": len(values),
    }


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p99 and p99.9; None where there are too few values to tell."""
    ordered = sorted(values)
    found: dict[str, float | None] = {}
    for percent in (50, 99, 99.9):
        above = round(len(ordered) * (100 - percent) / 100)
        found[f"p{percent:g}"] = ordered[-above - 1] if above else None
    return found


def ratios(values: Sequence[float], base: Sequence[float]) -> Spread:
    """Summarise how many times `base` each value is, round by round: noise hits both alike."""
    return spread([value / other for value, other in zip(values, base, strict=True)])
